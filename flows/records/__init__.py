"""What jobs pass on and MongoDB keeps: frozen, typed, the same in every database for ever.

Energies are eV per (super)cell, lengths Å, forces eV/Å, frequencies cm^-1; every other unit is in the name.
Public names of this package are a database schema: a field may be added with a default, none may be renamed or
removed without a migration. Import them from here. Stored documents name the module that a class was in when they
were stored: a class that moves leaves its name behind. Read stored documents with `Model.model_validate`.
"""

from flows.records.base import Blob, Matrix3, Record, Structure, Vector
from flows.records.failures import Failure
from flows.records.forecasts import Forecast, LearningPoint, Reach
from flows.records.labels import Drawn, Label, LabelledChunk, LabelSet, LevelAudit, SetAside, Sweep
from flows.records.models import (
    Baseline,
    EpochRecord,
    Errors,
    FittedForceConstants,
    LeftOut,
    SummedModel,
    TrainedModel,
    TrainedModelFacts,
    TriedForceConstants,
)
from flows.records.phonons import (
    Bands,
    BornCharges,
    DensityOfStates,
    ImaginaryMode,
    NonAnalyticalTerm,
    PhononFacts,
    Phonons,
    UnstableModes,
)
from flows.records.vibrations import Band, HarmonicSpectrum, MDStart, Spectrum, Vibrations

__all__ = [
    "Band",
    "Bands",
    "Baseline",
    "Blob",
    "BornCharges",
    "DensityOfStates",
    "Drawn",
    "EpochRecord",
    "Errors",
    "Failure",
    "FittedForceConstants",
    "Forecast",
    "HarmonicSpectrum",
    "ImaginaryMode",
    "Label",
    "LabelSet",
    "LabelledChunk",
    "LearningPoint",
    "LeftOut",
    "LevelAudit",
    "MDStart",
    "Matrix3",
    "NonAnalyticalTerm",
    "PhononFacts",
    "Phonons",
    "Reach",
    "Record",
    "SetAside",
    "Spectrum",
    "Structure",
    "SummedModel",
    "Sweep",
    "TrainedModel",
    "TrainedModelFacts",
    "TriedForceConstants",
    "UnstableModes",
    "Vector",
    "Vibrations",
]
