"""Gender and age from faces with multi-task networks on Adience: a paper, reproduced.

Importing the package registers its layers, so that ``keras.saving.load_model`` opens its models,
and gives Keras the settings that results depend on.
"""

from adience_lib.util import backend

backend.settle()

from adience_lib import models as models
from adience_lib.util.errors import AdienceError as AdienceError
