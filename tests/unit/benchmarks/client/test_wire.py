"""What goes through the pipe comes out the same."""

from benchmarks.client.dealing import deal
from benchmarks.client.target import Api, Stamp, Target
from benchmarks.client.wire import FROM_WORKER, SIZE, TO_WORKER, Begin, Ended, Order, Result, frame
from benchmarks.load.observed import Observed, Trial
from benchmarks.load.planned import Planned, Schedule

TARGET = Target(
    name="t",
    url="http://h",
    api=Api.OLLAMA,
    stamp=Stamp.CONTENT,
    headers=(("a", "b"),),
    api_key="k",
)
SCHEDULE = Schedule(
    requests=(Planned(input_tokens=1, output_tokens=2, prefix=(1, 2), cancel_after=0.5),),
    span=1.0,
    concurrency=3,
)


def test_orders_and_news_come_out_the_same() -> None:
    order = Order(target=TARGET, share=deal(SCHEDULE, 1)[0], warm=2, timeout=1.0)
    trial = Trial(observed=[Observed(index=0, received=[1 << 60])], began_ns=1, wall_ns=2)

    for message, decoder in ((order, TO_WORKER), (Begin(at_ns=5), TO_WORKER)):
        assert decoder.decode(frame(message)[SIZE.size :]) == message
    for news in (Ended(count=3), Result(trial=trial)):
        data = frame(news)
        assert SIZE.unpack(data[: SIZE.size]) == (len(data) - SIZE.size,)
        assert FROM_WORKER.decode(data[SIZE.size :]) == news
