"""The list of cases for a terminal, and their page in the documentation."""

from inspect import cleandoc

from shipperone_erp.connector.capabilities import noun
from shipperone_erp.testing.case import Case
from shipperone_erp.testing.cases import CASES, SUBJECTS
from shipperone_erp.testing.findings import SUITE


def listed() -> str:
    """A line for each case, under the version of the list."""
    width = max(len(found.id) for found in CASES.values())
    lines = [f"suite {SUITE}: {len(CASES)} cases", ""]
    return "\n".join([*lines, *(f"{found.id:<{width}}  {found.line}" for found in CASES.values())])


def cases() -> str:
    """Every case with its page, in Markdown."""
    parts = [f"Suite {SUITE}, {len(CASES)} cases."]
    for letter, title, module in SUBJECTS:
        parts.append(f"### {letter}: {title}")
        text = cleandoc(module.__doc__ or "").partition("\n\n")[2]
        if text:
            parts.append(text)
        parts += [_page(found) for found in CASES.values() if found.check.__module__ == module.__name__]
    return "\n\n".join(parts)


def _page(found: Case) -> str:
    needs = ", ".join(f"`{hook}`" for hook in sorted(found.needs)) or "any connector"
    if found.can:
        needs += f", with {', '.join(sorted(map(noun, found.can)))}"
    probes = ", ".join(f"`{probe}`" for probe in found.probes) or "none"
    return "\n\n".join(
        [
            f"#### {found.id}: {found.line}",
            found.page,
            f"What it costs a merchant: {found.suffers}",
            f"The usual cure: {found.cure}",
            f"Runs for: {needs}. Probes: {probes}. Since suite {found.since}.",
        ]
    )
