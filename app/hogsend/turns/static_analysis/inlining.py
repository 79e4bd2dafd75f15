"""Puts the steps of a called function, or of a `finally`, where they run in the graph.

A graph has no jumps of its own, so that what follows a `return` is moved or gets a decision in
front: no step after a call that may return is lost.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ...domain.graph import (
    Branch,
    Fork,
    GraphStep,
    Item,
    build_attempt_step,
    build_decision_step,
    build_end_step,
    build_fail_step,
    build_jump_step,
    is_terminal,
    walk_steps,
)

RETURNS = "returns"
CONTINUES = "continues the loop"
# The number of steps that a `finally` may add to the graph, which repeats them at every way out.
_MAX_FINALLY_STEPS = 200


def end_at_returns(items: Sequence[Item]) -> Iterator[Item]:
    """Replace each `return` of the journey itself by the journey's end."""
    for item in items:
        if isinstance(item, Fork):
            yield Fork(
                item.head,
                tuple(Branch(b.word, tuple(end_at_returns(b.items))) for b in item.branches),
            )
        elif _is_return(item):
            yield build_end_step(item.file, item.line)
        else:
            yield item


# -- called functions -------------------------------------------------------------------------


def inline_function(items: Sequence[Item], name: str) -> list[Item]:
    """Return the steps of a called function, so that every `return` leads to the end of the steps.

    The steps after a fork with a `return`, such as `if a: return`, move into its other branch. A
    decision comes before them where several ways lead on, and after a loop with a `return`.

    Args:
        items: the steps of the function's body.
        name: the function's name.
    """
    inlined: list[Item] = []
    for position, item in enumerate(items):
        if _is_return(item):
            break
        if isinstance(item, GraphStep) or not _has_return((item,)):
            inlined.append(item)
            continue
        following = items[position + 1 :]
        is_loop = item.head.kind == "loop"
        continuing = [not is_terminal(branch.items) for branch in item.branches]
        if is_loop or (following and sum(continuing) > 1):
            inlined.append(_leave_loops(item, name) if is_loop else _inline_branches(item, name))
            if rest := inline_function(following, name):
                inlined.append(_ask(f"{name} has returned", rest))
            break
        branches = tuple(
            Branch(
                branch.word,
                tuple(inline_function([*branch.items, *(following if goes_on else ())], name)),
            )
            for branch, goes_on in zip(item.branches, continuing, strict=True)
        )
        if any(branch.items for branch in branches):
            inlined.append(Fork(item.head, branches))
        break
    return inlined


def _inline_branches(fork: Fork, name: str) -> Fork:
    branches = (Branch(b.word, tuple(inline_function(b.items, name))) for b in fork.branches)
    return Fork(fork.head, tuple(branches))


def _ask(question: str, otherwise: Sequence[Item]) -> Fork:
    """Return the decision whether some steps are passed over."""
    return Fork(build_decision_step(question), (Branch("yes"), Branch("no", tuple(otherwise))))


def _leave_loops(fork: Fork, name: str, loops: int = 0) -> Fork:
    """Let each `return` in a loop, and in the loops in it, leave them all."""
    loops += fork.head.kind == "loop"

    def replace_returns(items: Sequence[Item]) -> Iterator[Item]:
        for item in items:
            if isinstance(item, Fork):
                yield _leave_loops(item, name, loops)
            elif _is_return(item):
                yield build_jump_step(f"{RETURNS} from {name}", item.file, item.line, leaves=loops)
            else:
                yield item

    branches = (Branch(b.word, tuple(replace_returns(b.items))) for b in fork.branches)
    return Fork(fork.head, tuple(branches))


def _has_return(items: Sequence[Item]) -> bool:
    return any(_is_return(step) for step in walk_steps(items))


def _is_return(item: Item) -> bool:
    return isinstance(item, GraphStep) and item.kind == "jump" and item.what == RETURNS


# -- loops and `finally` ----------------------------------------------------------------------


def add_loop_else(otherwise: Sequence[Item], *, has_break: bool) -> list[Item]:
    """Return the steps of a loop's `else`, which a `break` passes over.

    Args:
        otherwise: the steps.
        has_break: whether the loop has a `break`.
    """
    return [_ask("left by break", otherwise)] if has_break and otherwise else list(otherwise)


def add_finally(tried: Sequence[Item], final: Sequence[Item], place: tuple[str, int]) -> list[Item]:
    """Return the steps of a `try` with a `finally`, which runs however the `try` is left.

    Args:
        tried: the steps of the `try` with its handlers.
        final: the steps of the `finally`.
        place: the file and the line of the `try`.
    """
    exits = sum(step.kind in ("jump", "fail") for step in walk_steps(tried))
    if not final or exits * len(list(walk_steps(final))) > _MAX_FINALLY_STEPS:
        return [*tried, *final]
    items = list(_add_before_exits(tried, final))
    if not is_terminal(items):
        return [*items, *final]
    if items != [*tried]:
        return items
    # Only an error ends these steps.
    failed = Branch("if anything fails", (*final, build_fail_step("the same error", *place)))
    return [fork_attempt(items, [failed], place)]


def may_fail(tried: Sequence[Item]) -> bool:
    """Return whether a handler is a way on that the steps of a `try` do not show by themselves."""
    return is_terminal(tried) or any(step.kind == "fail" for step in walk_steps(tried))


def fork_attempt(tried: Sequence[Item], handlers: Sequence[Branch], place: tuple[str, int]) -> Fork:
    """Return the fork of a `try` whose handlers are shown.

    Args:
        tried: the steps of the `try`.
        handlers: the branches of the handlers.
        place: the file and the line of the `try`.
    """
    return Fork(build_attempt_step(*place), (Branch("succeeds", tuple(tried)), *handlers))


def _add_before_exits(
    items: Sequence[Item], final: Sequence[Item], loops: int = 0, *, is_caught: bool = False
) -> Iterator[Item]:
    """Yield steps with others before each step that leaves them all.

    Args:
        items: the steps.
        final: the others.
        loops: how many loops there are around the steps.
        is_caught: whether a `raise` leads to a handler.
    """
    for item in items:
        if isinstance(item, Fork):
            inner = loops + (item.head.kind == "loop")
            branches: list[Branch] = []
            for n, branch in enumerate(item.branches):
                caught = is_caught or (item.head.kind == "attempt" and n == 0)
                added = _add_before_exits(branch.items, final, inner, is_caught=caught)
                branches.append(Branch(branch.word, tuple(added)))
            yield Fork(item.head, tuple(branches))
        elif _is_exit(item, loops, is_caught=is_caught):
            yield from final
            if not is_terminal(final):
                yield item
        else:
            yield item


def _is_exit(step: GraphStep, loops: int, *, is_caught: bool) -> bool:
    """Return whether a step leaves the block that has this many loops around the step."""
    if step.kind == "fail":
        return not is_caught
    leaves_loop = step.leaves > loops or (loops == 0 and step.what == CONTINUES)
    return step.kind == "jump" and (_is_return(step) or leaves_loop)
