# Generated from README.org by tangle.el; edit README.org instead.
"""What all checks share: one thread, as make has it."""

import torch

torch.set_num_threads(1)
