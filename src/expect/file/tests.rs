//! Tests of the file side of expectations: what is read, and what is refused with which words.
