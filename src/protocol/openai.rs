//! What the OpenAI-style APIs share: usage, finish reasons, in-band errors, end marker.
