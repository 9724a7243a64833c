"""Lists on a terminal of 80 columns and of 160, and off it: words and ids stay whole."""

import pytest

from shipperone_erp.cli.tables import laid_out, wrapped

COLUMNS = ("tenant", "stage", "order_id", "state", "reason", "owner", "next_attempt_at", "sentence")
SENTENCE = (
    "the lines come to 15.00 and shipping to 4.99, together 19.99, but the order's total is 14.99: if that is right, "
    "run `order approve FO-2026-000000017-BRATISLAVA --total 14.99`"
)
ROWS = [
    ("acme", "invoice", "FO-2026-000000017-BRATISLAVA", "held", "amount_unexplained", "accountant", None, SENTENCE),
    ("acme", "allocation", "FO-1", "waiting", "erp_unavailable", "nobody", "2026-03-01T12:00:00Z", "it is restarting"),
]
WORDS = {word for row in ROWS for cell in row if cell for word in str(cell).split()}


@pytest.mark.parametrize("width", [80, 100, 120, 160, 200])
def test_no_line_is_wider_than_the_terminal_and_every_word_and_id_stays_whole(width):
    lines = list(laid_out(COLUMNS, ROWS, width))
    assert max(map(len, lines)) <= width
    assert {word for line in lines[1:] for word in line.split()} >= WORDS
    assert "…" not in "".join(lines)


def test_at_80_columns_the_sentence_is_below_its_row():
    header, first, *rest = laid_out(COLUMNS, ROWS, 80)
    assert header.split() == ["tenant", "stage", "order_id", "state", "reason"]
    assert first.split() == ["acme", "invoice", "FO-2026-000000017-BRATISLAVA", "held", "amount_unexplained"]
    assert rest[0] == "  owner: accountant"
    assert rest[1] == "  the lines come to 15.00 and shipping to 4.99, together 19.99, but the order's"
    assert rest[-2] == "  owner: nobody  next_attempt_at: 2026-03-01T12:00:00Z"


def test_a_wide_terminal_is_used():
    lines = list(laid_out(COLUMNS, ROWS, 240))
    assert lines[0].split() == list(COLUMNS)
    assert lines[1].split()[6:10] == SENTENCE.split()[:4]
    at = lines[0].index("sentence")
    assert lines[2][:at].strip() == "", "what is left of the sentence is wrapped in its own column"


def test_off_a_terminal_every_row_is_one_line():
    lines = list(laid_out(COLUMNS, ROWS, None))
    assert len(lines) == 1 + len(ROWS)
    assert lines[1].endswith(SENTENCE)
    assert {line.index(word) for line, word in zip(lines, ("sentence", "the lines", "it is"), strict=True)} == {
        lines[0].index("sentence")
    }


def test_an_id_that_is_wider_than_the_terminal_is_left_whole():
    order_id = "FO-" + "7" * 90
    lines = list(laid_out(("tenant", "order_id", "sentence"), [("acme", order_id, "it is held")], 80))
    assert [line for line in lines if order_id in line] == [f"  order_id: {order_id}"] or any(
        line.strip() == order_id for line in lines
    )


def test_the_columns_of_a_long_list_are_laid_out_before_it_is_read_to_its_end():
    read = []

    def rows():
        for number in range(5_000):
            read.append(number)
            yield "acme", f"FO-{number}"

    lines = laid_out(("tenant", "order_id"), rows(), None)
    next(lines)
    assert len(read) <= 1_001
    assert sum(1 for _ in lines) == 5_000


FIELDS = [("order_id", "increment_id", "12/12", "found"), ("sku", "items[].product.sku", "30/30", "found; 29 known"),
          ("city", "extension_attributes.shipping.0.address.city", "12/12", "found"), ("qty", "nowhere", "0/30", "nowhere"),
          ("name", "items[].name", "30/30", "found"), ("total", "grand_total", "12/12", "proven by 6 totals")]  # fmt: skip


def test_a_cell_that_is_much_wider_than_the_others_sticks_out_of_its_column():
    columns = ("field", "found at", "in", "proof")
    lines = list(laid_out(columns, FIELDS, 50, ("proof",), ("found", "nowhere")))
    assert lines == [
        "field     found at             in",
        "order_id  increment_id         12/12",
        "sku       items[].product.sku  30/30",
        "  found; 29 known",
        "city      extension_attributes.shipping.0.address.city",
        "                               12/12",
        "qty       nowhere              0/30",
        "name      items[].name         30/30",
        "total     grand_total          12/12",
        "  proven by 6 totals",
    ]
    wide = list(laid_out(columns, FIELDS, None, ("proof",), ("found", "nowhere")))
    assert [line.split()[-1] for line in wide[1:]] == ["found", "known", "found", "nowhere", "found", "totals"]


CHECKS = [("acme", "token", "OK", "ShipperOne accepts it", None),
          ("acme", "timezone", "WARN", "it is not set, so that dates are those of UTC", "set it")]  # fmt: skip


def test_a_column_of_sentences_wraps_in_place_and_later_columns_follow_below():
    assert list(laid_out(("tenant", "check", "", "what was found", "cure"), CHECKS, 66, ("what was found",))) == [
        "tenant  check           what was found",
        "acme    token     OK    ShipperOne accepts it",
        "acme    timezone  WARN  it is not set, so that dates are those of",
        "                        UTC",
        "  cure: set it",
    ]


@pytest.mark.parametrize("text", ["    indented words that go on and on", "no indent but words that go on and on"])
def test_a_paragraph_is_wrapped_at_spaces_and_keeps_its_indent(text):
    first, *rest = wrapped(text, 20, "      ")
    assert first == text[: len(first)]
    assert all(line.startswith("      ") and len(line) <= 20 for line in rest)
    assert " ".join(line.strip() for line in (first, *rest)) == text.strip()
