"""Gender and age from faces with multi-task networks on Adience: a paper, reproduced.

Importing the package registers its layers, so that ``keras.saving.load_model`` opens its models.
"""

import os

# TensorFlow describes the processor on stderr whenever it is imported; errors still show.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from adience_lib import layers as layers
from adience_lib.errors import AdienceError as AdienceError
