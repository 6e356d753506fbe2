"""Any OpenAI-compatible engine: the record for everything that is not recognised as more.

It assumes what the API's definition says and nothing else: a list at `/v1/models`, SSE ended by
`[DONE]`, a Bearer key. Every look-alike ends here, where a wrong guess costs nothing.
"""

from proxy.dialects.base import Engine, Probe, Reply
from proxy.dialects.models import read_list
from proxy.dialects.openai_api import OPERATIONS


def listing_is_readable(reply: Reply) -> str:
    """Judge readiness by the model list: the one GET all of these engines answer cheaply."""
    return read_list(reply).problem


OPENAI = Engine(
    name="openai",
    title="OpenAI-compatible",
    # Where LM Studio, TGI, LiteLLM, Docker Model Runner, Lemonade, LMDeploy and SGLang listen.
    ports=(1234, 3000, 4000, 12434, 13305, 23333, 30000),
    ready=(Probe(path="/v1/models", judge=listing_is_readable),),
    operations=frozenset(OPERATIONS),
    read_models=read_list,
)
