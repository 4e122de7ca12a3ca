//! holdoff
