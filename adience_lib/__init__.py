"""Gender and age from faces with multi-task networks on Adience: a paper, reproduced.

Importing the package registers its layers, so that ``keras.saving.load_model`` opens its models.
"""

import os

# On a machine without a GPU TensorFlow logs errors about its absence. Failures that matter are
# exceptions, and every training says which accelerator it found.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from adience_lib import models as models
from adience_lib.util.errors import AdienceError as AdienceError
