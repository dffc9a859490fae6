"""Gender and age from faces with multi-task networks on Adience: a paper, reproduced.

Importing the package registers its layers, so that ``keras.saving.load_model`` opens its models.
"""

import os

from adience_lib.errors import AdienceError as AdienceError
from adience_lib.quiet import without_notes
from adience_lib.unloaded import unloaded

# On a machine without a GPU TensorFlow logs errors about its absence. Failures that matter are
# exceptions, and every training says which accelerator it found.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

# Keras loads scikit-learn for wrappers that are not used here: half a second of every start.
with without_notes(), unloaded("sklearn"):
    from adience_lib import layers as layers
