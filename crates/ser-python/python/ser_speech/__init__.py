"""Speech emotion recognition: what recordings, signals and live sound express.

    >>> import ser_speech
    >>> model = ser_speech.Model.load()
    >>> model.labels
    ['neutral', 'calm', 'happy', 'sad', 'angry', 'fearful', 'disgust', 'surprised']
"""

from importlib import import_module

from ser_speech._native import Listener, Model, Speaker

# Defined here as in `typing`, because importing `typing` takes as long as everything else together.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from ser_speech.answers import Answer, Explanation, Region, Span
    from ser_speech.corpora import Clip, Corpus, Split
    from ser_speech.errors import SerError
    from ser_speech.metrics import Evaluation, evaluate
    from ser_speech.tables import Answers, Spans

__all__ = [
    "Answer",
    "Answers",
    "Clip",
    "Corpus",
    "Evaluation",
    "Explanation",
    "Listener",
    "Model",
    "Region",
    "SerError",
    "Span",
    "Spans",
    "Speaker",
    "Split",
    "evaluate",
]

# Names that are imported on first use, so that `import ser_speech` stays fast.
_LATER = {
    "Answer": "answers",
    "Answers": "tables",
    "Clip": "corpora",
    "Corpus": "corpora",
    "Evaluation": "metrics",
    "Explanation": "answers",
    "Region": "answers",
    "SerError": "errors",
    "Span": "answers",
    "Spans": "tables",
    "Split": "corpora",
    "evaluate": "metrics",
}


def __getattr__(name: str) -> object:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_LATER[name]}"), name)


def __dir__() -> list[str]:
    return __all__
