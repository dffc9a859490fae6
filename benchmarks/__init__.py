"""How fast this machine trains the networks, and how fast it could: ``make bench``.

What was tried to get here (``adience_lib.speed``), and what it was worth: the time of a training
step before over after. On 2 cores of an Intel Xeon with AVX-512 and AMX, TensorFlow 2.21, the
reduced gender network in batches of 64 and 128 where nothing else is said; measured in turns, found
with TensorFlow's profiler and oneDNN's own times (``ONEDNN_VERBOSE=profile_exec``). From run to run
these ratios vary by 0.01 to 0.03.

=====================================================================  =======  ========  ====
tried                                                                  float32  bfloat16  kept
=====================================================================  =======  ========  ====
normalisation with its gradient by formula, square roots for the power 1.05     1.20      yes
the same with one division for two products                            1.01     1.03      yes
rows and columns of maps that nothing reads left out                   1.05     1.00      yes
ReLU and the gradient of the bias after max pooling                    1.06     1.04      yes
ReLU alone after max pooling                                           1.03     1.14      no
two columns at a time: first convolution forward, the second's input   1.03     1.05      yes
gradient (``columns.py``)
eight faces at a time, batch of 64                                     1.06     1.18      yes
two or four faces at a time: a longer start, no faster beyond doubt    1.00     0.98      no
one operation a weight for Adam, batch of 128 (of 8: 1.06)             1.01     1.01      yes
transfer: frozen normalisation folded into the convolutions            1.09     1.37      yes
transfer: the same, and ReLUs that TensorFlow can fuse                 1.09     2.1       yes
normalisation's scale by the gradient of 1/sqrt, one operation         1.00     -         no
crops gathered without the repair of negative positions                1.00     -         no
features of parts cut without a copy in the gradient                   1.00     -         no
one thread an operation, two operations at a time: halves the others   1.02     -         no
a loop over parts of the batch (``ops.map``)                           0.64     0.42      no
normalisation alone compiled by XLA                                    1.00     0.61      no
the whole step compiled by XLA                                         0.5      -         no
TensorFlow's own operation for the normalisation                       0.94     -         no
one operation at a time (inter-op threads)                             1.00     0.85      no
oneDNN's callers work too (TF_ONEDNN_THREADPOOL_USE_CALLER_THREAD)     0.95     -         no
large memory pages (``GLIBC_TUNABLES``)                                1.02     -         no
=====================================================================  =======  ========  ====

What was not kept gained nothing, cost too much code for its gain, or has to be set before a
process starts.

No step shows that TensorFlow tunes what Keras makes of a ``PyDataset``, in a thread for whose sleep
an epoch, an evaluation or a prediction waits at its end, about 2.7 seconds two times of three
(found with py-spy). Fed without that (``backend.feed``), the multi-task network on 1,000 faces,
bfloat16, batches of 32, takes 6.4 to 6.7 seconds an epoch on 2 cores of an AMD EPYC; before, 6.6
and 9.4 seconds alternated. The runs are equal, bit for bit.

What keeps the reduced networks from more: by oneDNN's times, three quarters of a step go to
convolutions. The second and the third run forward at the machine's rate, the gradient of the first
one's kernel at half of it, since 3 channels and 24 filters fill no vector. Normalisations and
poolings take 7 % each, none of it counted arithmetic. Levi & Hassner's network, whose channels
fill vectors, reaches 83 % (batches of 50).
"""
