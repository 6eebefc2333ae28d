use thiserror::Error;

/// The shared state could not be reached or would not do what was asked.
#[derive(Debug, Error)]
pub enum LiveError {
    /// The configured address cannot be that of a Redis server.
    #[error("the address of redis is not valid")]
    Address(#[source] redis::RedisError),

    /// Redis is away, or did not answer in time: whether it has acted is not known.
    #[error("redis is unavailable")]
    Unavailable(#[source] Option<redis::RedisError>),

    /// Redis answered, and said no: out of memory, a replica, missing rights.
    #[error("redis refused the command")]
    Refused(#[source] redis::RedisError),

    /// A message has more than [`MAX_PAYLOAD`](crate::MAX_PAYLOAD) bytes.
    #[error("a message of `{0}` bytes is too large for the bus")]
    TooLarge(usize),
}
