"""Layers with weights, and what takes several inputs, by name."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn
from torch.nn import functional as F

from converters.torch_export.corpus.make import Case, call, floats, integers, layer

LAYERS: dict[str, Callable[[], Case]] = {
    "linear": lambda: layer(nn.Linear(6, 5), floats(3, 6)),
    "linear_3d": lambda: layer(nn.Linear(6, 5, bias=False), floats(2, 4, 6)),
    "bilinear": lambda: layer(nn.Bilinear(3, 4, 5), floats(2, 3), floats(2, 4)),
    "matmul_2": lambda: call(torch.matmul, floats(2, 3, 4), floats(2, 4, 5)),
    "matmul_broadcast": lambda: call(torch.matmul, floats(2, 1, 3, 4), floats(5, 4, 2)),
    "bmm": lambda: call(torch.bmm, floats(3, 2, 4), floats(3, 4, 5)),
    "addmm": lambda: call(torch.addmm, floats(5), floats(3, 4), floats(4, 5)),
    "baddbmm": lambda: call(torch.baddbmm, floats(2, 3, 5), floats(2, 3, 4), floats(2, 4, 5)),
    "embedding": lambda: layer(nn.Embedding(9, 4), integers(9, 2, 3)),
    "one_hot": lambda: call(lambda i: F.one_hot(i, 5).float(), integers(5, 2, 3)),
    "conv1d": lambda: layer(nn.Conv1d(3, 4, 3, stride=2, padding=1), floats(2, 3, 11)),
    "conv2d": lambda: layer(nn.Conv2d(3, 4, 3), floats(1, 3, 7, 9)),
    "conv2d_asym": lambda: layer(nn.Conv2d(3, 4, (3, 2), stride=(2, 1), padding=(1, 0)), floats(2, 3, 7, 9)),
    "conv2d_dilated": lambda: layer(nn.Conv2d(3, 4, 3, dilation=2, padding=2), floats(1, 3, 9, 7)),
    "conv2d_same": lambda: layer(nn.Conv2d(3, 4, 4, padding="same"), floats(1, 3, 9, 8)),
    "conv2d_groups": lambda: layer(nn.Conv2d(4, 6, 3, groups=2, padding=1), floats(1, 4, 7, 9)),
    "conv2d_depthwise": lambda: layer(nn.Conv2d(4, 4, 3, groups=4, stride=2, padding=1), floats(1, 4, 9, 7)),
    "conv2d_multiplier": lambda: layer(nn.Conv2d(4, 8, 3, groups=4), floats(1, 4, 7, 9)),
    "conv2d_1x1": lambda: layer(nn.Conv2d(5, 3, 1, bias=False), floats(2, 5, 4, 6)),
    "conv2d_reflect": lambda: layer(nn.Conv2d(3, 4, 3, padding=1, padding_mode="reflect"), floats(1, 3, 7, 9)),
    "conv3d": lambda: layer(nn.Conv3d(2, 3, 3, padding=1), floats(1, 2, 5, 6, 7)),
    "conv_weights_given": lambda: call(lambda x, w: F.conv2d(x, w, padding=1), floats(1, 3, 6, 7), floats(4, 3, 3, 3)),
    "deconv1d": lambda: layer(nn.ConvTranspose1d(3, 4, 3, stride=2), floats(1, 3, 6)),
    "deconv2d": lambda: layer(nn.ConvTranspose2d(3, 4, 3, stride=2, padding=1), floats(1, 3, 5, 6)),
    "deconv2d_output": lambda: layer(
        nn.ConvTranspose2d(3, 4, 3, stride=2, padding=1, output_padding=1), floats(1, 3, 5, 6)
    ),
    "deconv2d_groups": lambda: layer(nn.ConvTranspose2d(4, 6, (2, 3), groups=2, stride=(2, 1)), floats(2, 4, 5, 6)),
    "deconv2d_dilated": lambda: layer(nn.ConvTranspose2d(3, 2, 3, dilation=2), floats(1, 3, 5, 6)),
    "max_pool": lambda: call(lambda x: F.max_pool2d(x, 2), floats(1, 3, 7, 9)),
    "max_pool_pad": lambda: call(lambda x: F.max_pool2d(x, 3, 2, 1), floats(1, 3, 8, 9)),
    "max_pool_ceil": lambda: call(lambda x: F.max_pool2d(x, 3, 2, ceil_mode=True), floats(1, 3, 8, 10)),
    "max_pool_ceil_pad": lambda: call(lambda x: F.max_pool2d(x, 3, 2, 1, ceil_mode=True), floats(1, 3, 8, 10)),
    "max_pool1d": lambda: call(lambda x: F.max_pool1d(x, 3, 2), floats(2, 3, 10)),
    "max_pool3d": lambda: call(lambda x: F.max_pool3d(x, 2), floats(1, 2, 4, 6, 8)),
    "avg_pool": lambda: call(lambda x: F.avg_pool2d(x, 2), floats(1, 3, 7, 9)),
    "avg_pool_pad": lambda: call(lambda x: F.avg_pool2d(x, 3, 2, 1), floats(1, 3, 8, 9)),
    "avg_pool_exclude": lambda: call(lambda x: F.avg_pool2d(x, 3, 2, 1, count_include_pad=False), floats(1, 3, 8, 9)),
    "avg_pool_ceil": lambda: call(lambda x: F.avg_pool2d(x, 3, 2, ceil_mode=True), floats(1, 3, 8, 10)),
    "avg_pool_ceil_pad": lambda: call(lambda x: F.avg_pool2d(x, 3, 2, 1, ceil_mode=True), floats(1, 3, 8, 10)),
    "avg_pool1d": lambda: call(lambda x: F.avg_pool1d(x, 3, 2, 1), floats(2, 3, 10)),
    "lp_pool": lambda: call(lambda x: F.lp_pool2d(x.abs(), 2, 2), floats(1, 3, 6, 8)),
    "batch_norm1d": lambda: layer(nn.BatchNorm1d(5), floats(3, 5)),
    "batch_norm2d": lambda: layer(nn.BatchNorm2d(3), floats(2, 3, 4, 5)),
    "batch_norm3d": lambda: layer(nn.BatchNorm3d(3), floats(1, 3, 3, 4, 5)),
    "instance_norm": lambda: layer(nn.InstanceNorm2d(3, affine=True), floats(2, 3, 4, 5)),
    "instance_norm1d": lambda: layer(nn.InstanceNorm1d(3), floats(2, 3, 7)),
    "layer_norm": lambda: layer(nn.LayerNorm(6), floats(2, 4, 6)),
    "layer_norm_2": lambda: layer(nn.LayerNorm((4, 6)), floats(2, 3, 4, 6)),
    "group_norm": lambda: layer(nn.GroupNorm(2, 6), floats(2, 6, 4, 5)),
    "rms_norm": lambda: layer(nn.RMSNorm(6), floats(2, 4, 6)),
    "lrn": lambda: layer(nn.LocalResponseNorm(3), floats(1, 6, 4, 5)),
    "prelu": lambda: layer(nn.PReLU(3), floats(2, 3, 4, 5)),
    "prelu_one": lambda: layer(nn.PReLU(), floats(2, 3, 4)),
    "lstm": lambda: layer(nn.LSTM(4, 5), floats(6, 2, 4)),
    "lstm_batch_first": lambda: layer(nn.LSTM(4, 5, batch_first=True, bias=False), floats(2, 6, 4)),
    "lstm_bidirectional": lambda: layer(nn.LSTM(4, 3, bidirectional=True, num_layers=2), floats(5, 2, 4)),
    "gru": lambda: layer(nn.GRU(4, 5), floats(6, 2, 4)),
    "gru_bidirectional": lambda: layer(nn.GRU(4, 3, bidirectional=True), floats(5, 2, 4)),
    "rnn": lambda: layer(nn.RNN(4, 5), floats(6, 2, 4)),
    "rnn_relu": lambda: layer(nn.RNN(4, 5, nonlinearity="relu"), floats(6, 2, 4)),
    "lstm_cell": lambda: layer(nn.LSTMCell(4, 5), floats(2, 4)),
    "gru_cell": lambda: layer(nn.GRUCell(4, 5), floats(2, 4)),
    "attention": lambda: call(
        F.scaled_dot_product_attention, floats(2, 3, 4, 5), floats(2, 3, 6, 5, seed=1), floats(2, 3, 6, 5, seed=2)
    ),
    "attention_causal": lambda: call(
        lambda q: F.scaled_dot_product_attention(q, q, q, is_causal=True), floats(2, 3, 4, 5)
    ),
    "attention_mask": lambda: call(
        lambda q, m: F.scaled_dot_product_attention(q, q, q, attn_mask=m > 0),
        floats(1, 2, 4, 5),
        floats(1, 1, 4, 4).abs(),
    ),
    "multihead": lambda: layer(_SelfAttention(), floats(2, 5, 8)),
    "transformer": lambda: layer(nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), floats(2, 5, 8)),
    "int_math": lambda: call(lambda i: (i * 3 + 1) % 4, integers(9, 2, 5)),
    "int_div": lambda: call(lambda i: torch.div(i, 2, rounding_mode="floor"), integers(9, 2, 5)),
    "compare_int": lambda: call(lambda i: (i > 3).float(), integers(9, 2, 5)),
    "gather_given": lambda: call(lambda x, i: x.gather(1, i), floats(3, 5), integers(5, 3, 2)),
    "index_given": lambda: call(lambda x, i: x[i], floats(7, 3), integers(7, 4)),
    "two_outputs": lambda: call(lambda x: (x * 2, x.sum(-1)), floats(3, 4)),
    "dropout": lambda: layer(nn.Sequential(nn.Dropout(0.5), nn.Linear(4, 3)), floats(2, 4)),
}


class _SelfAttention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.attention(x, x, x, need_weights=False)[0]
