"""How fast this machine trains the networks, and how fast it could: ``make bench``.

What was tried to get here, and what it was worth: the time of a training step before over after.
On 2 cores of an Intel Xeon with AVX-512 and AMX, TensorFlow 2.21, the reduced gender network in
batches of 64 and 128 where nothing else is said; measured in turns, found with TensorFlow's
profiler. From run to run these ratios vary by 0.02 or 0.03.

=====================================================================  =======  ========  ====
tried                                                                  float32  bfloat16  kept
=====================================================================  =======  ========  ====
normalisation's gradient worked out again from its input, square       1.05     1.20      yes
roots for the power (``layers.py``); its share of a step 15 %, now 10 %
rows and columns of maps that nothing reads left out (``lean.py``)     1.05     1.00      yes
bias and ReLU after max pooling                                        1.06     1.04      yes
ReLU alone after max pooling                                           1.03     1.14      no
eight faces at a time, batch of 64                                     1.06     1.18      yes
one operation a weight for Adam, batch of 128 (of 8: 1.06)             1.01     1.01      yes
transfer: frozen normalisation folded into the convolutions            1.09     1.37      yes
transfer: the same, and ReLUs that TensorFlow can fuse                 1.09     2.1       yes
a loop over parts of the batch (``ops.map``)                           0.64     0.42      no
normalisation alone compiled by XLA                                    1.00     0.61      no
the whole step compiled by XLA                                         0.5      -         no
TensorFlow's own operation for the normalisation                       0.94     -         no
first convolution with two columns as one of twice the channels        1.00     0.78      no
second convolution's input gradient as a convolution of such pairs     1.03     1.03      no
one operation at a time (inter-op threads)                             1.00     0.85      no
large memory pages (``GLIBC_TUNABLES``)                                1.02     -         no
=====================================================================  =======  ========  ====

What was not kept cost too much code for its gain, or has to be set before a process starts.
"""
