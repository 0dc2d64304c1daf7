"""A config says what runs; whatever cannot be meant is one line that names the key and the nearest choice."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.config import Config, Expect
from engine.core.errors import ConfigError, NotFound
from engine.core.load import RUNS, load, names
from engine.core.quantity import Size, Spread
from engine.core.schema import build, dump, keys, to_toml, value_text

MINIMAL = 'name = "x"\n[data]\nsymbols = ["EURUSD"]\n[[strategy]]\nname = "ma_cross"\n'


@pytest.fixture
def minimal(tmp_path: Path) -> Path:
    path = tmp_path / "x.toml"
    path.write_text(MINIMAL)
    return path


def quantities(unit: str, least: float = 0.0) -> st.SearchStrategy[str]:
    return st.floats(least, 100.0).map(lambda amount: f"{amount!r} {unit}")


TABLES = st.fixed_dictionaries(
    {
        "name": st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,20}", fullmatch=True),
        "data": st.fixed_dictionaries(
            {"symbols": st.lists(st.text(min_size=1, max_size=8), min_size=1, max_size=3, unique=True)},
            optional={"frame": st.sampled_from(["M1", "H1"]), "spread": quantities("points"), "from": st.just("2019")},
        ),
        "strategy": st.lists(
            st.fixed_dictionaries(
                {"name": st.just("ma_cross"), "id": st.uuids().map(str)},
                optional={
                    "size": quantities("lots", 0.01) | quantities("% risk", 0.01),
                    "frame": st.sampled_from(["H1", "H4", "D1"]),
                    "params": st.dictionaries(
                        st.text(min_size=1, max_size=6),
                        st.integers(-(2**53), 2**53)
                        | st.floats(allow_nan=False, allow_infinity=False)
                        | st.booleans()
                        | st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
                        max_size=3,
                    ),
                },
            ),
            min_size=1,
            max_size=3,
        ),
    },
    optional={
        "seed": st.integers(0, 2**40),
        "account": st.fixed_dictionaries(
            {},
            optional={"balance": st.floats(1.0, 1e9), "mode": st.sampled_from(["hedging", "netting"])},
        ),
        "venue": st.fixed_dictionaries({}, optional={"latency": quantities("ms"), "commission": quantities("bps")}),
        "rates": st.dictionaries(st.sampled_from(["USDJPY", "EURUSD"]), st.floats(1e-3, 1e3)),
        "expect": st.fixed_dictionaries({}, optional={"trades": st.integers(0, 9), "digest": st.text(max_size=4)}),
    },
)


@settings(max_examples=60)
@given(TABLES)
def test_a_config_survives_the_journal_and_the_file(table: dict[str, Any]) -> None:
    config = build(Config, table)
    assert Config.from_json(config.to_json()) == config
    again = build(Config, tomllib.loads(config.to_toml()))
    assert again == config and again.identity == config.identity


TEXTS = st.text(st.characters(codec="utf-8"), max_size=8)
VALUES = st.recursive(
    st.integers(-(2**60), 2**60) | st.floats(allow_nan=False) | st.booleans() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
)


@settings(max_examples=60)
@given(VALUES)
def test_every_toml_value_written_reads_back(value: object) -> None:
    assert tomllib.loads(f"value = {value_text(value)}")["value"] == value
    assert tomllib.loads(to_toml({"k": value, "last": {"x": 1}})) == {"k": value, "last": {"x": 1}}


def test_every_shipped_config_is_valid_and_carries_its_own_expectation_or_none() -> None:
    shipped = names(RUNS, "*.toml")
    assert {"demo", "demo-breakout"} <= set(shipped)
    for name in shipped:
        config = load(name, env={})
        assert config.name == name
        assert not config.modified, f"{name}: [expect] was recorded for another config: {config.identity}"


def test_an_overlay_loses_to_the_environment_and_that_to_set(minimal: Path, tmp_path: Path) -> None:
    over = tmp_path / "over.toml"
    over.write_text("seed = 2\n[account]\nleverage = 2.0\nbalance = 2.0\n")
    env = {"ONETAPE__ACCOUNT__LEVERAGE": "3", "ONETAPE__ACCOUNT__BALANCE": "3", "ONETAPE_DEBUG": "1", "HOME": "x"}
    config = load(minimal, on=[str(over)], sets=["account.balance=4"], env=env)
    assert (config.seed, config.account.leverage, config.account.balance) == (2, 3.0, 4.0)
    assert config.overridden and not load(minimal, env={}).overridden


def test_set_reaches_strategies_by_key_id_or_number(tmp_path: Path) -> None:
    path = tmp_path / "two.toml"
    path.write_text(MINIMAL + 'id = "one"\n[[strategy]]\nname = "ma_cross"\nid = "two"\n')
    sets = ["strategy.two.params.fast=5", "strategy.0.params.fast=7", "strategy.one.size=0.5 lots"]
    one, two = load(path, sets=sets, env={}).strategies
    assert (one.params, two.params, one.size) == ({"fast": 7}, {"fast": 5}, Size(0.5, "lots"))
    with pytest.raises(ConfigError, match="which one is meant by 'params': one, two"):
        load(path, sets=["strategy.params.fast=5"], env={})


def test_the_environment_finds_keys_in_any_case(minimal: Path) -> None:
    env = {"ONETAPE__RATES__USDJPY": "110.5", "ONETAPE__STRATEGY__MA_CROSS__PARAMS__FAST": "9"}
    config = load(minimal, env=env)
    assert config.rates == {"USDJPY": 110.5} and config.strategy[0].params == {"fast": 9}


def test_typed_text_becomes_what_the_key_declares(minimal: Path) -> None:
    sets = ["name=123", "data.symbols=EURUSD,GBPJPY", "report.open=true", "risk.max_drawdown=20 %", "run.block=1"]
    config = load(minimal, sets=sets, env={})
    assert config.name == "123" and config.data.symbols == ("EURUSD", "GBPJPY")
    assert config.report.open is True and config.risk.max_drawdown is not None
    assert load(minimal, sets=[*sets, "risk.max_drawdown=none"], env={}).risk.max_drawdown is None


def test_dates_may_be_written_as_toml_dates(minimal: Path) -> None:
    minimal.write_text(MINIMAL.replace("[data]", "[data]\nfrom = 2019-02-04\nto = 2019-02-05T10:00:00-05:00"))
    data = load(minimal, env={}).data
    assert data.start_ns == 1_549_238_400_000_000_000
    assert data.end_ns == data.start_ns + (24 + 15) * 3_600_000_000_000


def test_what_a_strategy_does_not_say_comes_from_the_rest(minimal: Path) -> None:
    config = load(minimal, sets=["data.frame=M5", "risk.size=2 % risk"], env={})
    (strategy,) = config.strategies
    assert (strategy.id, strategy.symbols, strategy.frame) == ("ma_cross", ("EURUSD",), "M5")
    assert strategy.size == Size(2.0, "% risk")


def test_an_expectation_holds_for_the_config_it_was_recorded_for_only(minimal: Path) -> None:
    identity = load(minimal, env={}).identity
    minimal.write_text(MINIMAL + f'[expect]\nconfig = "{identity}"\ntrades = 3\n')
    config = load(minimal, env={})
    assert not config.modified and config.expect == Expect(identity, 3) and config.identity == identity
    assert load(minimal, sets=["seed=2"], env={}).modified
    assert not load(minimal, sets=["seed=1"], env={}).modified
    minimal.write_text(minimal.read_text().replace('name = "x"', 'name = "y"'))
    assert load(minimal, env={}).modified


def test_a_strategys_name_is_a_config_of_defaults_around_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "my_idea.py").write_text("")
    monkeypatch.setattr("engine.core.load.STRATEGIES", tmp_path)
    config = load("my_idea", sets=["strategy.params.fast=3"], env={})
    assert config.name == "my_idea" and config.strategies[0].symbols == ("EURUSD",)
    assert config.strategies[0].params == {"fast": 3}


@pytest.mark.parametrize(
    ("setting", "why"),
    [
        ("risk.sise=1 lots", r"risk.sise: unknown key 'sise': did you mean size\? \(from --set risk.sise=1 lots\)"),
        ("rsik.size=1 lots", r"rsik: unknown key 'rsik': did you mean risk\?"),
        ("risk.size=0.1", r"risk.size: '0.1' has no unit: write \"0.10 lots\""),
        ("risk.size.x=1", "risk.size: {.* cannot be read: write"),
        ("account.balance=much", "account.balance: must be a number, got 'much'"),
        ("account.balance=-5", "account.balance: must be more than 0, got -5"),
        ("account.balance=inf", "account.balance: must be a finite number"),
        ("account.leverage=0", "account.leverage: must be more than 0"),
        ("account.mode=hedge", r"account.mode: 'hedge' is not one of its values: did you mean hedging\?"),
        ("account.currency=dollar", "account.currency: 'dollar' is not a currency code"),
        ("seed=1.5", "seed: must be a whole number"),
        ("seed=-1", "seed: must be at least 0"),
        ("seed=true", "seed: must be a whole number"),
        ("run.lane=numba", "run.lane: 'numba' is not one of its values: known: compiled, python"),
        ("name=a/b", "name: 'a/b' must be letters"),
        ("name=../x", "name: '../x' must be letters"),
        ("data=1", "data: must be a table"),
        ("data.symbols=[]", "data.symbols: name at least one"),
        ("data.symbols=EURUSD,EURUSD", "names one twice"),
        ("data.symbols=[1]", "must be text"),
        ("data.frame=H5", "data.frame: unknown time frame 'H5'"),
        ("data.zone=Europe/Athen", r"data.zone: unknown time zone 'Europe/Athen': did you mean Europe/Athens"),
        ("data.trading_day=5pm", "data.trading_day: trading day '5pm' cannot be read"),
        ("data.from=2019-02-30", "data.from: time '2019-02-30' does not exist"),
        ("data.source=file", "data.files: name the files"),
        ("data.files=a.csv", 'data.files: used with source = "file" only'),
        ("data.spread=2 pips", "1 pip of EURUSD is 10 points"),
        ("data.spread.GBPJPY=2 points", "data.spread: 'GBPJPY' is not in data.symbols"),
        ("rates.USDJPY=-1", "rates.USDJPY: must be more than 0"),
        ("rates.yen=110", "rates.yen: is not a pair"),
        ("report.zone=Mars", "report.zone: unknown time zone"),
        ("report.equity=0 h", "report.equity: must be more than 0"),
        ("strategy.frame=M1", r"strategy\[0\].frame: M1 is finer than the H1 bars"),
        ("strategy.symbols=EURUSX", r"strategy\[0\].symbols: 'EURUSX' is not in data.symbols: did you mean EURUSD\?"),
        ("strategy.name.x=1", "is a value and has no key 'x'"),
        ("strategy", "write KEY=VALUE"),
        ("=1", "write KEY=VALUE"),
        ("strategy=[]", "strategy: name at least one"),
        ("strategy.0=1", "is a table, name a key in it"),
    ],
)
def test_a_setting_that_cannot_be_meant_is_one_line_that_says_why(minimal: Path, setting: str, why: str) -> None:
    with pytest.raises(ConfigError, match=why) as caught:
        load(minimal, sets=[setting], env={})
    assert "\n" not in str(caught.value)


def test_from_must_lie_before_to(minimal: Path) -> None:
    with pytest.raises(ConfigError, match="data.from: 2019-02 is not before data.to 2019-01"):
        load(minimal, sets=["data.from=2019-02", "data.to=2019-01"], env={})


def test_a_spread_may_be_one_for_all_or_one_each(minimal: Path) -> None:
    assert load(minimal, sets=["data.spread=1.5 bps"], env={}).data.spread == Spread(1.5, "bps")
    assert load(minimal, sets=["data.spread.EURUSD=10 points"], env={}).data.spread == {
        "EURUSD": Spread(10.0, "points")
    }


def test_a_config_may_declare_an_instrument_and_a_wrong_key_in_it_is_named(minimal: Path) -> None:
    table = '[[instrument]]\nsymbol = "X"\nbase_currency = "EUR"\nprofit_currency = "USD"\ndigits = 3\n'
    minimal.write_text(MINIMAL + table)
    assert [i.id for i in load(minimal, env={}).instruments] == ["X@demo"]
    minimal.write_text(MINIMAL + table.replace("digits", "digit"))
    with pytest.raises(ConfigError, match=r"unknown key 'digit': did you mean digits\?"):
        load(minimal, env={})


def test_two_strategies_need_two_names_in_the_books(minimal: Path) -> None:
    minimal.write_text(MINIMAL + '[[strategy]]\nname = "ma_cross"\n')
    with pytest.raises(ConfigError, match="two are called 'ma_cross' in the books"):
        load(minimal, env={})


def test_an_unknown_environment_variable_is_named(minimal: Path) -> None:
    with pytest.raises(ConfigError, match=r"unknown key 'leverag': did you mean leverage\? \(from ONETAPE__ACCOUNT"):
        load(minimal, env={"ONETAPE__ACCOUNT__LEVERAG": "5"})


@pytest.mark.parametrize(
    ("ref", "error", "why"),
    [
        ("demoo", ConfigError, r"no config or strategy is called 'demoo': did you mean demo"),
        ("nowhere/x.toml", NotFound, "config file nowhere.x.toml does not exist"),
        ("x.toml", NotFound, "config file x.toml does not exist"),
    ],
)
def test_a_name_that_is_not_there_is_answered_with_the_nearest(ref: str, error: type[Exception], why: str) -> None:
    with pytest.raises(error, match=why):
        load(ref, env={})


def test_an_unknown_overlay_is_answered_with_the_known_ones(minimal: Path) -> None:
    with pytest.raises(ConfigError, match=r"--on histroy: unknown: did you mean history\?"):
        load(minimal, on=["histroy"], env={})


@pytest.mark.parametrize("content", [b"name = ", b"\xff\xfe", b"[data]\n[data]\n", b'a = "x\n'])
def test_a_file_that_is_no_toml_is_one_line(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "bad.toml"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match="cannot be read as TOML") as caught:
        load(path, env={})
    assert "\n" not in str(caught.value)


def test_a_missing_key_is_named(tmp_path: Path) -> None:
    path = tmp_path / "bare.toml"
    path.write_text("seed = 1\n")
    with pytest.raises(ConfigError, match="key 'name' is missing"):
        load(path, env={})
    path.write_text(MINIMAL.replace('[[strategy]]\nname = "ma_cross"', "[[strategy]]"))
    with pytest.raises(ConfigError, match=r"strategy\[0\]: key 'name' is missing"):
        load(path, env={})


def test_every_key_of_a_config_is_in_the_documentation() -> None:
    text = (Path(__file__).parents[1] / "docs" / "config.md").read_text()
    for section, (_, kind) in keys(Config).items():
        whole = section in ("data", "account", "venue", "risk", "run", "report", "stress")
        for key in dump(kind()) if whole else [section]:
            assert f"`{key}`" in text, f"docs/config.md does not name {section}.{key}"
