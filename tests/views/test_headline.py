from dataclasses import replace

from unlearn_core.records import Sets
from unlearn_core.views.headline import chosen_text, strip_lines, tally, word_counts
from unlearn_core.views.overview import KeyNumber, VerdictCard


def card(label, word):
    number = KeyNumber(label="Acc(D_f)", value="3.0%", retrained="0.0%")
    return VerdictCard(
        label=label,
        method="muda",
        word=word,
        because="why",
        agreement="",
        numbers=(number,),
        speedup="2.00x",
        more=0,
    )


def told(*words):
    return tally([card(f"M{number}", word) for number, word in enumerate(words)])


def test_a_sentence_says_one_and_many_and_none():
    assert told("matched") == "1 method tried: 1 looks like a network that never saw it."
    assert told("matched", "pretends", "pretends") == (
        "3 methods tried: 1 looks like a network that never saw it; 2 only pretend."
    )
    assert told("remembers") == (
        "1 method tried: none looks like a network that never saw it; 1 still remembers."
    )
    assert told("broken", "over-forgotten") == (
        "2 methods tried: none looks like a network that never saw it; 1 forgot too much; "
        "1 broke the rest."
    )
    assert told("matched", "matched", "too few to tell") == (
        "3 methods tried: 2 look like a network that never saw it; nothing can be told of 1."
    )
    assert told("nothing to tell", "nothing to tell") == (
        "2 methods tried: nothing can be told of any."
    )


def test_what_speaks_against_a_match_is_said_with_it():
    doubted = replace(card("a", "matched"), caveats=("Relearned 95% against 45% ± 20",))
    assert "1 looks like a network that never saw it (with a “but”)." in tally([doubted])
    both = tally([doubted, card("b", "matched")])
    assert "2 look like a network that never saw it (1 of them with a “but”)." in both
    [line] = strip_lines([doubted], "matched")
    assert line["word"] == "matched, but"
    assert "But: Relearned 95% against 45% ± 20." in chosen_text(doubted)


def test_of_a_backdoor_the_number_of_a_line_is_how_often_it_obeys():
    [line] = strip_lines([card("a", "remembers")], is_backdoor=True, about={"muda": "MUDA: x."})
    assert line["heading"] == "obeys"
    assert line["title"].startswith("MUDA: x.\n")


def test_verdicts_are_counted_and_filtered_in_their_order():
    cards = [card("a", "matched"), card("b", "remembers"), card("c", "matched")]
    assert word_counts(cards) == {"matched": 2, "remembers": 1}
    assert list(word_counts(cards[::-1])) == ["matched", "remembers"]
    assert [line["label"] for line in strip_lines(cards, "matched")] == ["a", "c"]
    first = strip_lines(cards)[0]
    assert (first["number"], first["word"], first["icon"]) == ("3.0%", "matched", "✓")
    assert first["heading"] == "still right"


def test_a_method_that_took_longer_than_training_again_is_said_to():
    quick = card("a", "matched")
    assert "longer than training again" not in chosen_text(quick)
    assert "longer than training again" in chosen_text(replace(quick, is_slower=True))


def test_of_language_models_the_number_of_a_line_is_their_perplexity():
    number = KeyNumber(label="PPL(D_f)", value="190.1", retrained="201.0")
    first = strip_lines([replace(card("a", "matched"), numbers=(number,))])[0]
    assert (first["number"], first["heading"]) == ("190.1", "perplexity")


def test_some_forgotten_are_spread_and_few_are_all():
    import numpy as np

    from unlearn_core.views.answers import some_forgotten

    def sets(forget):
        mask = np.zeros(100, bool)
        mask[forget] = True
        empty = np.zeros(100, bool)
        return Sets(forget=mask, retain=~mask, forget_test=empty, retain_test=empty)

    assert some_forgotten(sets(range(50)), 3) == [0, 24, 49]
    assert some_forgotten(sets([7, 9]), 6) == [7, 9]
