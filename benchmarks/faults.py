"""The faults that a hundred attacks and real files found, by their numbers: what happens now, and the tests that show it (see benchmarks/reliability.py)."""

from __future__ import annotations

from typing import NamedTuple


class Fault(NamedTuple):
    """A fault that was mended.

    Args:
        number: its own.
        what: what was wrong.
        now: what happens now.
        tests: functions, as `file::function` below tests/.
    """

    number: int
    what: str
    now: str
    tests: tuple[str, ...]


_ANNOTATIONS = "reliability/test_hostile_annotations.py::"
_COMMANDS = "reliability/test_hostile_commands.py::"
_FOLDERS = "reliability/test_hostile_folders.py::"
_OUTPUTS = "reliability/test_hostile_outputs.py::"
_RUNS = "reliability/test_hostile_runs.py::"

FAULTS = (
    Fault(
        1, "a question asked on standard input", "no code of a checkpoint runs unless `trust_remote_code=True` was said; one line says how",
        (
            "reliability/test_consent.py::test_nothing_of_a_checkpoint_runs_whatever_stands_on_standard_input",
            "reliability/test_consent.py::test_code_runs_for_whoever_says_so",
        ),
    ),
    Fault(
        2, "deletes what it did not write", "only checkpoints and files of the same run are removed; others stay, and the log says so",
        (
            _RUNS + "test_what_somebody_put_into_the_folder_stays",
            _RUNS + "test_another_runs_checkpoints_stay_and_so_do_notes_in_its_own",
            _RUNS + "test_a_checkpoint_takes_nobodys_place",
        ),
    ),
    Fault(
        3, "writes in place", "all is written aside and renamed, a folder of rows as a whole; nothing is converted onto itself",
        (
            _OUTPUTS + "test_a_conversion_that_fails_leaves_the_earlier_one",
            _OUTPUTS + "test_a_skill_is_not_converted_onto_itself",
        ),
    ),
    Fault(
        4, "skills change while others ask", "a request takes the skills once and sees no change of them",
        ("reliability/test_threads.py::test_no_answer_is_that_of_another_skill",),
    ),
    Fault(
        5, "resuming with other data", "labels, rows, catalogs, base, options and version are compared; an error names what differs",
        (_RUNS + "test_what_differs_is_named_and_nothing_is_trained", _RUNS + "test_what_changes_nothing_is_no_hindrance"),
    ),
    Fault(
        6, "two runs, one output folder", "the second one is told in one line, with the number of the first one's process",
        (_OUTPUTS + "test_the_second_of_two_runs_is_told_and_a_killed_one_is_no_hindrance",),
    ),
    Fault(
        7, "a folder of two kinds", "one table says what each kind holds; nothing is written into a folder of another",
        (
            _OUTPUTS + "test_nothing_is_written_into_a_folder_of_another_kind",
            _OUTPUTS + "test_a_run_does_not_write_over_what_it_starts_from",
        ),
    ),
    Fault(
        8, "tables", "a record of another width is an error that names its line; a quote out of place is a character",
        (
            "test_readers_text.py::test_a_record_that_does_not_fit_is_an_error_that_names_its_line",
            "test_readers_text.py::test_a_quote_out_of_place_is_a_character",
        ),
    ),
    Fault(
        9, "files that don't belong together", "every file that an answer depends on is hashed; what was changed is refused by name",
        (_FOLDERS + "test_files_that_do_not_belong_together", _FOLDERS + "test_whatever_loads_a_checkpoint_looks_at_every_file"),
    ),
    Fault(
        10, "a damaged file from the hub's cache", "refused, with the folder to delete",
        (_FOLDERS + "test_a_damaged_file_in_the_cache_of_the_hub",),
    ),
    Fault(
        11, "numbers that are none", "NaN, infinity and scores that overflow are refused where they are read, and never answered",
        (_FOLDERS + "test_numbers_and_sizes_that_can_not_be", _FOLDERS + "test_numbers_that_are_too_large_to_count_with_give_no_answer"),
    ),
    Fault(
        12, "the CRF's certainty at very large scores", "equals brute force at scores times 300, in torch and in exported skills",
        ("test_layers.py::test_everything_equals_brute_force_at_any_scale", "test_onnx.py::test_the_field_decodes_as_that_of_torch"),
    ),
    Fault(
        13, "held-out files become training rows", "files called test, dev, valid, eval are held out, and the log says so",
        (
            "test_readers_parts.py::test_held_out_files_of_a_folder_are_not_trained_on",
            "test_readers_parts.py::test_what_a_split_of_rasa_holds_out_is_not_trained_on",
        ),
    ),
    Fault(
        14, "an unread column", "columns of slots are read, as tags or JSON; those that are not read are named",
        ("test_readers_text.py::test_slots_in_a_column", "test_readers_text.py::test_columns_that_are_not_read_are_named"),
    ),
    Fault(
        15, "fields that contradict", "the value tells the place (UTF-16, bytes, the nearest); spans are whole words when they are refilled",
        (_ANNOTATIONS + "test_offsets_in_any_unit_are_those_of_the_value", _ANNOTATIONS + "test_refilling_makes_no_word_of_a_value_and_the_rest_of_another"),
    ),
    Fault(
        16, "normal forms are taken for words", "a canonical value enters a catalog only if it is said; others are named",
        (_ANNOTATIONS + "test_an_id_is_no_value",),
    ),
    Fault(
        17, "a text in two intents", "warned of with rows, in every format and in memory, as are other slots and held-out texts",
        (_ANNOTATIONS + "test_contradictions_are_said_of_any_skill",),
    ),
    Fault(
        18, "counted, not named", "the first three cases with file and line; damaged markup leaves its utterance out",
        (_ANNOTATIONS + "test_what_is_counted_is_named", _ANNOTATIONS + "test_damaged_markup_leaves_its_example_out"),
    ),
    Fault(
        19, "a label that differs by quotes or blanks", "trimmed where quotes are the format's, else warned of by both names",
        (_ANNOTATIONS + "test_quotes_around_a_label_are_none_of_it_in_lines_of_text",),
    ),
    Fault(
        20, "`model.save_pretrained` loses the pipeline", "the same files whichever object saves",
        ("test_remote_code.py::test_whichever_object_saves_the_same_files_are_there",),
    ),
    Fault(
        21, "a line of many blanks", "every reader's time grows with an exponent of at most 1.2, whatever is large",
        ("reliability/test_growth.py::test_time_grows_with_size",),
    ),
    Fault(
        22, "sizes are allocated before they are compared", "compared with the headers of the weights first",
        (_FOLDERS + "test_numbers_and_sizes_that_can_not_be", _FOLDERS + "test_a_header_of_weights_that_can_not_be"),
    ),
    Fault(
        23, "1,000 slot labels; 200,000 spans in a row", "the CRF's steps are factored beyond 100 labels; aligning is linear",
        (
            "reliability/test_growth.py::test_time_grows_with_size", _ANNOTATIONS + "test_time_grows_with_the_number_of_spans",
            "test_layers.py::test_gradients_are_those_of_the_loss",
        ),
    ),
    Fault(
        24, "no `model_max_length`", "512 tokens of a text are read, and a warning says so",
        ("test_token_limit.py::*",),
    ),
    Fault(
        25, "a traceback, or a message that doesn't help", "one line that names file, line, what is allowed and what to do",
        (
            _OUTPUTS + "test_validation_rows_without_annotation_choose_nothing", _ANNOTATIONS + "test_a_damaged_shard_is_named",
            _ANNOTATIONS + "test_what_no_file_can_hold_is_refused_when_the_skill_is_made", "reliability/test_report_log.py::*",
        ),
    ),
    Fault(
        26, "a byte-order mark on standard input", "taken away once; offsets count the answer's own text",
        (_COMMANDS + "test_lines_are_answered_as_they_stand", _COMMANDS + "test_offsets_count_what_follows_the_mark"),
    ),
    Fault(
        27, "known formats that we don't read are not named", "named in one line, with a way out",
        ("test_readers_others.py::*",),
    ),
    Fault(
        28, "`-OO` fails; symlinks are followed", "commands and functions work without docstrings; links out of a skill's folder are named",
        (_COMMANDS + "test_without_docstrings_and_assertions", "test_readers_parts.py::test_links_are_not_followed_out_of_a_folder"),
    ),
)  # fmt: skip


__all__ = ["FAULTS", "Fault"]
