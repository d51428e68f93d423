"""The other networks of keras.applications, by one table: no paper of ours uses them."""

from functools import partial

from medfake.detectors.backbone.application import application
from medfake.detectors.registry import Contract, backbone

_TF_KERNELS = "weights_tf_dim_ordering_tf_kernels_notop.h5"

# name -> input contract, channels, layer for Grad-CAM, no-top ImageNet file
OTHERS: dict[str, tuple[Contract, int, str, str]] = {
    **{
        f"ConvNeXt{size}": ("raw", width, f"convnext_{size.lower()}_stage_3_block_2_identity",
                            f"convnext_{size.lower()}_notop.h5")
        for size, width in (("Small", 768), ("Base", 1024), ("Large", 1536), ("XLarge", 2048))
    },
    **{
        f"EfficientNetB{size}": ("raw", width, "top_activation", f"efficientnetb{size}_notop.h5")
        for size, width in ((0, 1280), (1, 1280), (2, 1408), (3, 1536), (5, 2048), (6, 2304), (7, 2560))
    },
    **{
        f"EfficientNetV2{size}": ("raw", width, "top_activation", f"efficientnetv2-{size.lower()}_notop.h5")
        for size, width in (("B0", 1280), ("B1", 1280), ("B2", 1408), ("B3", 1536), ("M", 1280), ("L", 1280))
    },
    "InceptionResNetV2": ("tf", 1536, "conv_7b_ac", f"inception_resnet_v2_{_TF_KERNELS}"),
    "MobileNet": ("tf", 1024, "conv_pw_13_relu", "mobilenet_1_0_224_tf_no_top.h5"),
    "MobileNetV3Small": ("raw", 576, "conv_1_bn", "weights_mobilenet_v3_small_224_1.0_float_no_top_v2.h5"),
    "ResNet152": ("caffe", 2048, "conv5_block3_out", f"resnet152_{_TF_KERNELS}"),
    "ResNet101V2": ("tf", 2048, "post_relu", f"resnet101v2_{_TF_KERNELS}"),
    "ResNet152V2": ("tf", 2048, "post_relu", f"resnet152v2_{_TF_KERNELS}"),
    "VGG16": ("caffe", 512, "block5_conv3", f"vgg16_{_TF_KERNELS}"),
}  # fmt: skip

for _name, (_contract, _width, _layer, _file) in OTHERS.items():
    backbone(_name, contract=_contract, feature_width=_width, gradcam_layer=_layer, imagenet_file=_file)(
        partial(application, _name)
    )
