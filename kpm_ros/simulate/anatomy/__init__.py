"""A pianist's right hand with bones, joints and muscles of a published musculoskeletal model."""
