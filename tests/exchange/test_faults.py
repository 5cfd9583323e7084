"""The catalogue of faults: read strictly, composable, lifted without a trace."""

from __future__ import annotations

import pytest

from okxdoctor.exchange.core.circumstances import HEALTHY
from okxdoctor.exchange.faults import BadFaultValue, Injected, UnknownFault, catalogue, parse
from okxdoctor.exchange.faults.effects import circumstances
from okxdoctor.exchange.net.plan import net_plan

NAMES = ("openapi.okx.test", "ws.okx.test")


def test_every_example_parses_and_names_itself() -> None:
    for fault in catalogue():
        assert parse(fault.example).fault is fault
        assert parse(fault.name).value == fault.default


def test_names_are_unique_and_follow_their_cause() -> None:
    names = [fault.name for fault in catalogue()]
    assert len(names) == len(set(names))
    for fault in catalogue():
        assert fault.name.startswith(fault.cause.replace(".", "-"))
        assert fault.says
        first = fault.says.split()[0].strip(",:")
        assert first[0].islower() or first == "WebSocket" or first == first.upper(), fault.says


def test_every_cause_is_in_the_vocabulary() -> None:
    from okxdoctor.knowledge import causes

    assert {fault.cause for fault in catalogue()} <= set(causes())


def test_every_fault_changes_the_world_and_every_choice_changes_it_differently() -> None:
    for fault in catalogue():
        values = fault.choices or (fault.default,)
        worlds = [(circumstances([one]), net_plan([one], names=NAMES)) for one in _with_values(fault, values)]
        for world, plan in worlds:
            assert (world, plan) != (HEALTHY, net_plan([], names=NAMES)), fault.name
        assert len({repr(each) for each in worlds}) == len(values), fault.name


def _with_values(fault: object, values: tuple[object, ...]) -> list[Injected]:
    return [Injected(fault=fault, value=value) for value in values]  # type: ignore[arg-type]


def test_all_faults_of_one_world_compose() -> None:
    every = [parse(fault.example) for fault in catalogue()]
    world = circumstances(every)
    for one in every:
        alone = circumstances([one])
        for name in ("seen_address", "bound_keys_only", "verification_age_ms"):
            if getattr(alone, name) != getattr(HEALTHY, name):
                assert getattr(world, name) == getattr(alone, name), one.name
    assert circumstances([]) == HEALTHY
    both = circumstances([parse("header-missing=sign"), parse("header-missing=key"), parse("http-slow=1s")])
    assert both.edge.drop_headers == ("ok-access-sign", "ok-access-key")
    assert both.edge.delay_ms == 1_000


@pytest.mark.parametrize(
    ("text", "value"),
    [("clock-ahead=45s", 45.0), ("clock-ahead=800ms", 0.8), ("clock-ahead=2min", 120.0), ("clock-ahead=1.5h", 5400.0),
     ("clock-ahead=3d", 259_200.0), ("ratelimit-shared=50%", 0.5), ("ip-not-whitelisted=2001:DB8::1", "2001:db8::1")],
)  # fmt: skip
def test_values_are_read(text: str, value: object) -> None:
    assert parse(text).value == pytest.approx(value)


@pytest.mark.parametrize(
    ("text", "hint"),
    [("clock-ahaed=45s", "clock-ahead"), ("Clock-Ahead", "clock-ahead"), ("key-secret", "key-secret-wrong"),
     ("", "list faults"), ("=45s", "list faults"), ("zzzzzzzz", "list faults"), ("clock.ahead=45s", "clock-ahead")],
)  # fmt: skip
def test_an_unknown_name_gets_a_suggestion(text: str, hint: str) -> None:
    with pytest.raises(UnknownFault) as caught:
        parse(text)
    assert hint in str(caught.value)
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [("clock-ahead=45", "duration"), ("clock-ahead=-45s", "duration"), ("clock-ahead=", "duration"),
     ("http-timeout=later", "headers, body"), ("ip-not-whitelisted=nowhere", "address"),
     ("ratelimit-shared=much", "number"), ("key-frozen=yes", "no value"), ("http-slow=1e3s", "duration")],
)  # fmt: skip
def test_a_bad_value_says_the_form(text: str, wanted: str) -> None:
    with pytest.raises(BadFaultValue) as caught:
        parse(text)
    assert wanted in str(caught.value)


def test_a_long_name_is_not_repeated_whole() -> None:
    with pytest.raises(UnknownFault) as caught:
        parse("x" * 100_000)
    assert len(str(caught.value)) < 300


def test_the_user_s_clock_is_wrong_because_the_world_is_moved_the_other_way() -> None:
    assert circumstances([parse("clock-ahead=45s")]).clock_offset_ms == -45_000
    assert circumstances([parse("clock-behind=45s")]).clock_offset_ms == 45_000
    assert circumstances([parse("clock-timezone-shift=8h")]).clock_offset_ms == -28_800_000


def test_the_catalogue_and_the_core_stay_light() -> None:
    """Listing faults and explaining starts nothing; the core knows no sockets."""
    import subprocess
    import sys

    program = (
        "import sys; from okxdoctor.exchange.faults import catalogue; catalogue();"
        "early = [m for m in ('aiohttp', 'cryptography', 'dns', 'msgspec', 'asyncio', 'ssl') if m in sys.modules];"
        "from okxdoctor.exchange.core.rest import routes; routes(); import okxdoctor.exchange.core.wsproto;"
        "late = [m for m in ('aiohttp', 'cryptography', 'dns', 'asyncio', 'ssl', 'http.client') if m in sys.modules];"
        "print(early, late)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.split("\n")[0] == "[] []"
