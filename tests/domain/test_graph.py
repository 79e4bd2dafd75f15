"""The graph knows which journal keys each wait can have, and so where people are."""

from __future__ import annotations

from collections.abc import Mapping

from hogsend.domain.graph import (
    FOREVER,
    LEAVES_LOOP,
    Branch,
    Fork,
    GraphStep,
    Item,
    JourneyGraph,
    build_attempt_step,
    build_decision_step,
    build_end_step,
    build_jump_step,
    build_loop_step,
    is_terminal,
)
from hogsend.domain.graph_numbering import number_steps


def sleep(label: str) -> GraphStep:
    return GraphStep("sleep", "", label, key=f"sleep:{label}", is_wait=True)


def decision(yes: list[Item], no: list[Item] | None = None) -> Fork:
    return Fork(
        build_decision_step("paid"), (Branch("yes", tuple(yes)), Branch("no", tuple(no or [])))
    )


def loop(*body: Item, what: str = "for a in b") -> Fork:
    return Fork(build_loop_step(what), (Branch("each time", body),))


def occurrences(flow: JourneyGraph, key: str) -> list[tuple[int, int | None]]:
    return [(step.first, step.last) for step in flow.walk_steps() if step.key == key]


def test_calls_of_one_name_are_counted_in_the_order_of_the_code() -> None:
    flow = number_steps([sleep("a"), sleep("b"), sleep("a")])
    assert occurrences(flow, "sleep:a") == [(1, 1), (2, 2)]


def test_only_one_of_two_branches_counts() -> None:
    flow = number_steps([decision([sleep("a")], [sleep("a")]), sleep("a")])
    assert occurrences(flow, "sleep:a") == [(1, 1), (1, 1), (2, 2)]


def test_a_call_after_an_optional_branch_has_two_possible_numbers() -> None:
    flow = number_steps([decision([sleep("a")]), sleep("a")])
    assert occurrences(flow, "sleep:a") == [(1, 1), (1, 2)]


def test_a_branch_that_ends_the_journey_does_not_count_afterwards() -> None:
    flow = number_steps([decision([sleep("a"), build_end_step()]), sleep("a")])
    assert occurrences(flow, "sleep:a") == [(1, 1), (1, 1)]


def test_a_try_block_may_fail_at_any_point() -> None:
    tried = Fork(
        build_attempt_step(),
        (Branch("succeeds", (sleep("a"),)), Branch("if E", (sleep("a"),))),
    )
    assert occurrences(number_steps([tried]), "sleep:a") == [(1, 1), (1, 2)]


def test_a_loop_has_no_limit() -> None:
    flow = number_steps([loop(sleep("a"), sleep("a")), sleep("a")])
    assert occurrences(flow, "sleep:a") == [(1, None), (2, None), (1, None)]


def people(flow: JourneyGraph, waiting: Mapping[str, int]) -> tuple[list[int], dict[str, int]]:
    here, elsewhere = flow.count_people(waiting)
    waits = [step.number for step in flow.walk_steps() if step.is_wait]
    return [sum(here.get(number, {}).values()) for number in waits], elsewhere


def test_people_are_counted_at_the_wait_with_their_key() -> None:
    flow = number_steps([sleep("a"), sleep("b"), sleep("a")])
    waiting = {"sleep:a": 1, "sleep:a#2": 2, "sleep:b": 4, "sleep:b#2": 8, "sleep:c": 16}
    assert people(flow, waiting) == ([1, 4, 2], {"sleep:b#2": 8, "sleep:c": 16})


def test_people_in_every_round_of_a_loop_are_at_its_wait() -> None:
    flow = number_steps([loop(sleep("a"))])
    assert people(flow, {"sleep:a": 1, "sleep:a#2": 2, "sleep:a#99": 4}) == ([7], {})


def test_a_label_with_a_number_in_it_is_known_by_the_rest() -> None:
    flow = number_steps([loop(sleep("week-*")), sleep("week-last")])
    waiting = {"sleep:week-1": 1, "sleep:week-2": 2, "sleep:week-last": 4, "sleep:other": 8}
    assert people(flow, waiting) == ([3, 4], {"sleep:other": 8})


def test_a_label_that_looks_numbered_is_taken_literally() -> None:
    assert people(number_steps([sleep("a#2")]), {"sleep:a#2": 1, "sleep:a": 2}) == (
        [1],
        {"sleep:a": 2},
    )


def test_a_loop_without_an_end_is_left_by_its_own_break_only() -> None:
    leaves = build_jump_step(LEAVES_LOOP, leaves=1)
    assert is_terminal([loop(sleep("a"), what=FOREVER)])
    assert is_terminal([loop(loop(decision([leaves])), what=FOREVER)])
    assert not is_terminal([loop(decision([leaves]), what=FOREVER)])
    assert not is_terminal([loop(sleep("a"))])


def test_a_fork_goes_on_when_one_of_its_branches_does() -> None:
    ends = GraphStep("exit", "enough", ends_flow=True)
    assert is_terminal([decision([ends], [ends])])
    assert not is_terminal([decision([ends])])
    assert not is_terminal([])


def test_as_data_every_wait_has_its_number_of_people() -> None:
    flow = number_steps(
        [sleep("a"), decision([GraphStep("send", "b", key="send:b", line=7, file="j.py")])]
    )
    assert flow.to_json({"sleep:a": 3}) == [
        {
            "number": 1,
            "kind": "sleep",
            "what": "",
            "label": "a",
            "span": None,
            "key": "sleep:a",
            "first": 1,
            "last": 1,
            "file": None,
            "line": None,
            "waiting": 3,
        },
        {
            "number": 2,
            "kind": "decision",
            "what": "paid",
            "label": None,
            "span": None,
            "key": None,
            "first": 1,
            "last": 1,
            "file": None,
            "line": None,
            "ways": [
                {
                    "word": "yes",
                    "steps": [
                        {
                            "number": 3,
                            "kind": "send",
                            "what": "b",
                            "label": None,
                            "span": None,
                            "key": "send:b",
                            "first": 1,
                            "last": 1,
                            "file": "j.py",
                            "line": 7,
                        }
                    ],
                },
                {"word": "no", "steps": []},
            ],
        },
    ]
