"""One process alone is a crew of one."""

from proxy.telemetry.crew import Crew


def test_it_counts_itself_and_shows_no_rows() -> None:
    crew = Crew()

    assert crew.serves
    assert (len(crew), crew.lost, crew.rows()) == (1, 0, ())
