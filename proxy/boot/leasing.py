"""Limits and budgets that several replicas count together, in Redis or Valkey.

Nothing here is on the way of a request: leases (`core/lease`) in use are exchanged four times a
second, all in one round trip, in one script each, so that nobody reads between a look and a write.
The store's clock is the only one that counts. Names there begin with the prefix of the settings:

    headrace:requests:team-a          a hash: slot of a quarter second -> what was taken in it
    headrace:tokens:team-a            the same
    headrace:at-once:team-a           a hash: process -> its places, and until when (`core/places`)
    headrace:budget:team-a:2026-11    a hash: tokens, money

They expire by themselves. While the store does not answer, `away` says why.
"""

import asyncio
from collections.abc import Callable, Sequence
from secrets import token_hex
from typing import Any, Final

import redis.asyncio as redis
import structlog
from redis.driver_info import DriverInfo
from redis.exceptions import RedisError

from proxy import __version__
from proxy.core.account import Account, Cost
from proxy.core.lease import LASTS, Answer, Ask, Lease
from proxy.core.places import KEPT, Claim, Hold, Places, Within
from proxy.core.window import SLOTS
from proxy.flow.guard import Guard
from proxy.settings.keys import Away, Shared

BEAT: Final = 0.25  # seconds between two exchanges
SOON: Final = 0.05  # seconds between two if a call asks for one
SPENDS: Final = 2.0  # seconds between two exchanges of budgets
ANSWERS: Final = 0.5  # seconds the store may take: half the life of a lease
BUDGET_KEPT: Final = 40 * 86_400  # seconds a budget is kept there

# One lease. Whatever it holds is taken out of its slot, the window is summed up, and what it may
# hold from now on is put into the slot of now.
EXCHANGE: Final = f"""
local t = redis.call('TIME')
local now = math.floor((tonumber(t[1]) + tonumber(t[2]) / 1e6) * 4)
local oldest = now - {SLOTS}
local limit, held, slot = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local debt, wanted, replicas = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local whole = ARGV[7] == '1'
local slots, total, first = {{}}, 0, nil
local found = redis.call('HGETALL', KEYS[1])
for i = 1, #found, 2 do
  local number = tonumber(found[i])
  if number < oldest then redis.call('HDEL', KEYS[1], found[i])
  else slots[number] = tonumber(found[i + 1]) end
end
local function give(number, amount)
  local has = slots[number]
  if has == nil then return 0 end
  local back = math.min(has, amount)
  slots[number] = has - back
  redis.call('HSET', KEYS[1], number, tostring(has - back))
  return back
end
if held > 0 then held = give(slot, held) end
for i = 8, #ARGV, 2 do give(tonumber(ARGV[i]), tonumber(ARGV[i + 1])) end
for number, amount in pairs(slots) do
  total = total + amount
  if amount > 0 and (first == nil or number < first) then first = number end
end
local left = limit - total - debt - held
local target = 0
if wanted >= 0 then target = math.max(wanted, (math.max(left, 0) + held) / replicas) end
local granted = math.min(math.max(left, 0), target - held)
if whole then granted = math.floor(granted) end
local taken = debt + held + granted
if taken ~= 0 then
  redis.call('HSET', KEYS[1], now, tostring((slots[now] or 0) + taken))
end
redis.call('EXPIRE', KEYS[1], 120)
local room = 0
if first ~= nil then room = (first + {SLOTS} + 1 - now) / 4 end
return {{tostring(granted), tostring(now), tostring(left - granted), tostring(room)}}
"""

# Places of one key. Those of processes that are silent for too long are free.
PLACES: Final = f"""
local t = redis.call('TIME')
local now = tonumber(t[1]) + tonumber(t[2]) / 1e6
local me, limit, running = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local wanted, processes = tonumber(ARGV[4]), tonumber(ARGV[5])
local free = limit
local found = redis.call('HGETALL', KEYS[1])
for i = 1, #found, 2 do
  local places, ends = string.match(found[i + 1], '^(%d+) (.+)$')
  if tonumber(ends) <= now then redis.call('HDEL', KEYS[1], found[i])
  elseif found[i] ~= me then free = free - tonumber(places) end
end
if wanted < 0 then
  redis.call('HDEL', KEYS[1], me)
  return {{0, free}}
end
local part = math.floor(math.max(free, 0) / processes)
local places = math.max(running, math.min(free, math.max(wanted, part)))
redis.call('HSET', KEYS[1], me, string.format('%d %.6f', places, now + {KEPT}))
redis.call('EXPIRE', KEYS[1], 60)
return {{places, free - places}}
"""

# What a key has spent of its budget: adds what is new, returns the sums.
SPEND: Final = f"""
local tokens = redis.call('HINCRBYFLOAT', KEYS[1], 'tokens', ARGV[1])
local money = redis.call('HINCRBYFLOAT', KEYS[1], 'money', ARGV[2])
redis.call('EXPIRE', KEYS[1], {BUDGET_KEPT})
return {{tokens, money}}
"""

log = structlog.get_logger()

Costs = Sequence[tuple[Account, Cost]]
Claims = Sequence[tuple[str, Hold, Claim]]


class Leasing:
    """Exchanges leases and budgets of a guard with the store. `now` is the clock of calls.

    `up` is whether it answered last time; `errors` counts how often it did not.
    """

    __slots__ = (
        "_client",
        "_exchange",
        "_guard",
        "_leases",
        "_me",
        "_now",
        "_one",
        "_place",
        "_processes",
        "_settings",
        "_spend",
        "_spent_at",
        "_task",
        "_woken",
        "errors",
        "places",
        "up",
    )

    def __init__(
        self,
        settings: Shared,
        guard: Guard,
        now: Callable[[], float],
        processes: int = 1,
        within: Within | None = None,
    ) -> None:
        assert settings.url is not None
        self._settings = settings
        self._guard = guard
        self._now = now
        # What fails is not tried again: the next beat is soon enough.
        self._client: redis.Redis = redis.from_url(
            settings.url.reveal(),
            socket_timeout=ANSWERS,
            socket_connect_timeout=ANSWERS,
            retry=None,
            # Else it would look for its version in files, at each connection.
            driver_info=DriverInfo(name="headrace", lib_version=__version__),
        )
        self._exchange = self._client.register_script(EXCHANGE)
        self._place = self._client.register_script(PLACES)
        self._spend = self._client.register_script(SPEND)
        self._leases: dict[str, Lease] = {}
        self._woken = asyncio.Event()
        self._me = token_hex(8)  # no two processes have one, and none after another
        self._processes = settings.replicas * processes  # every one holds leases of its own
        self.places = Places(settings.replicas, self._woken.set, within)
        self._one = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None
        self._spent_at = 0.0
        self.up = True
        self.errors = 0

    def lease(self, kind: str, name: str, limit: float) -> Lease:
        """Make the allowance of one kind of limit of one key."""
        made = Lease(
            limit, replicas=self._processes, whole=kind == "requests", wake=self._woken.set
        )
        self._leases[f"{self._settings.prefix}:{kind}:{name}"] = made
        return made

    async def start(self) -> None:
        """Find out whether the store is there, and begin to exchange."""
        self.up = False
        await self.exchange()
        self._task = asyncio.get_running_loop().create_task(self._run(), name="limits")

    async def stop(self) -> None:
        """Tell the store what is untold, once, and part."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task])
        self._spent_at = 0.0
        await self.exchange(leaving=True)
        await self._client.aclose()

    async def _run(self) -> None:
        # Not for ever: `asyncio.wait_for` of Python 3.11, with which the client waits, loses a
        # cancellation that comes together with an answer.
        while self._task is not None:
            pause = SOON if self.up else BEAT  # one that is away is not asked sooner
            await asyncio.sleep(pause)
            try:
                async with asyncio.timeout(BEAT - pause):
                    await self._woken.wait()
            except TimeoutError:
                pass
            self._woken.clear()
            await self.exchange()

    async def exchange(self, *, leaving: bool = False) -> None:
        """Exchange what is in use, all at once; one exchange after the other."""
        async with self._one:
            await self._exchange_once(leaving=leaving)

    async def _exchange_once(self, *, leaving: bool) -> None:
        guard, began = self._guard, self._now()
        used = [(name, lease) for name, lease in self._leases.items() if lease.leased]
        accounts: list[Account] = []
        if began - self._spent_at >= SPENDS:
            self._spent_at = began
            accounts = [one for one in guard.accounts.values() if _budgeted(one)]
        claims = self.places.claims(began, leaving=leaving)
        if not used and not accounts and not claims and self.up:
            return
        asks = [(name, lease.ask(began)) for name, lease in used]
        costs = [(one, one.told(guard.calendar)) for one in accounts]
        try:
            async with asyncio.timeout(LASTS):
                found = await self._told(asks, claims, costs)
        except (RedisError, OSError, TimeoutError) as error:
            self._failed([lease for _, lease in used], costs, error)
            return
        count = len(used)
        self._leased([lease for _, lease in used], found[:count])
        now = self._now()
        for (_, hold, _), (held, left) in zip(claims, found[count:], strict=False):
            hold.answered(int(held), int(left), now)
        self._spent(costs, found[count + len(claims) :])
        if not self.up:
            self.up, self._guard.away = True, ""
            log.info("limits are shared", prefix=self._settings.prefix)

    async def _told(
        self, asks: Sequence[tuple[str, Ask]], claims: Claims, costs: Costs
    ) -> list[Any]:
        """Send everything at once; return the answers in order."""
        async with self._client.pipeline(transaction=False) as pipe:
            await pipe.ping()  # it only notes the command
            for name, ask in asks:
                refunds = [part for refund in ask.refunds.items() for part in refund]
                words = (ask.limit, ask.held, ask.slot, ask.debt, ask.wanted, ask.replicas)
                await self._exchange(
                    keys=[name], args=[*words, int(ask.whole), *refunds], client=pipe
                )
            for name, _, claim in claims:
                told = (claim.limit, claim.running, claim.wanted, self._processes)
                at_once = f"{self._settings.prefix}:at-once:{name}"
                await self._place(keys=[at_once], args=[self._me, *told], client=pipe)
            for account, cost in costs:
                name = f"{self._settings.prefix}:budget:{account.key.name}:{self._span(account)}"
                await self._spend(keys=[name], args=[cost.tokens, cost.money], client=pipe)
            answers: list[Any] = await pipe.execute()
        return answers[1:]

    def _leased(self, leases: Sequence[Lease], found: Sequence[Any]) -> None:
        now = self._now()
        for lease, (granted, slot, left, room_in) in zip(leases, found, strict=True):
            answer = Answer(
                granted=float(granted), slot=int(slot), left=float(left), room_in=float(room_in)
            )
            lease.answered(answer, now)

    def _spent(self, costs: Costs, found: Sequence[Any]) -> None:
        for (account, _), (tokens, money) in zip(costs, found, strict=True):
            account.learnt(self._span(account), Cost(tokens=float(tokens), money=float(money)))

    def _failed(self, leases: Sequence[Lease], costs: Costs, error: Exception) -> None:
        for lease in leases:
            lease.lost()
        for account, cost in costs:
            account.untold(cost)
        self.errors += 1
        if self._settings.away is Away.REFUSE:
            self._guard.away = "the store they are counted in does not answer"
        if self.up or self.errors == 1:
            self.up = False
            reason = str(error) or type(error).__name__
            log.error("the store of limits does not answer", reason=reason, then=self._then())

    def _then(self) -> str:
        if self._settings.away is Away.REFUSE:
            return "requests of keys with limits are refused"
        return f"each replica allows 1/{self._settings.replicas} of each limit"

    def _span(self, account: Account) -> str:
        calendar = self._guard.calendar
        day = account.key.budget_period == "day"
        return calendar.day.name if day else calendar.month.name


def _budgeted(account: Account) -> bool:
    key = account.key
    return key.budget_tokens is not None or key.budget_money is not None
