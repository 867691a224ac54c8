"""The names that vulture cannot see in use, because a library or a table calls them. Each must exist in src."""

# Python calls these of a module or an object, and logging.
__getattr__
__dir__
__class__
handleError
showwarning

# The catalogue and the registry of networks name these classes as text.
Ffx
NegativePositive
Shf
PatchRotation
Mosaic
SubBlockQuartiles
SubBlockSort
SubBlockShuffle
ConvSeg
SETR

# Settings of other libraries' objects: numpy, rich, onnx, ONNX Runtime, Ray, uvicorn, transformers' image processors.
trust_env
_.writeable
_.caption_justify
_.data_location
_.log_severity_level
_.intra_op_num_threads
_.enable_progress_bars
_.do_rescale
_.do_normalize
_.timeout_graceful_shutdown

# FastAPI calls the routes and the handlers of errors, and sends the fields.
post_segment
post_infer
get_model
get_server
get_live
get_tensors
get_model_ready
get_health
get_ready
get_metrics
on_refusal
on_disconnect
on_http
on_invalid
body_bytes
extensions
live
datatype
image_pixels

# pydantic reads the configuration and calls the validators.
model_config
_check_memory
_read_models
_check_sizes
_fit_average
_check_method

# Typer's commands of `python -m veilseg.audit.readers`.
specialise

# python-multipart calls these as it parses a body.
_part_begin
_header_field
_header_value
_header_end
_part_data
_part_end

# PyTorch, Lightning, huggingface_hub and ONNX Runtime call these of our subclasses.
extra_repr
train_dataloader
val_dataloader
training_step
validation_step
configure_optimizers
on_train_batch_start
on_train_batch_end
on_train_start
on_validation_start
on_validation_end
teardown
on_exception
on_save_checkpoint
on_load_checkpoint
on_validation_epoch_start
on_validation_epoch_end
_save_pretrained
_from_pretrained
get_next

# Lightning calls this hook, with these names.
transfer_batch_to_device
dataloader_idx

# PyAV reads these attributes of its streams and frames.
pix_fmt
time_base
pts

# Ray Serve's configuration files name it.
from_arguments

# Public, for whoever encrypts in Python.
shows

# Attacks beside the audit of a folder, which need labels, people or minutes of training: bench/ measures them.
all_values
means_alone
Names
list_blocks
recover
likeliest

# For whoever has a matrix of their own, and attacks on it that tools/matrices_page.py runs.
write_matrix
read_matrix
solve_matrix
match_matrix
