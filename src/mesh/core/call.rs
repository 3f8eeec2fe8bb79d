//! A request to a shard, from when it is asked until it is answered or given up.

use super::super::real_wait::RealWait;
use super::Mesh;
use lclq_shards::command::{Reply, Token};
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

/// A request under way. Dropping it before it is answered cancels it if it is a long poll.
pub struct Call {
    state: CallState,
}

enum CallState {
    Waiting {
        mesh: Mesh,
        shard: u16,
        token: Token,
        waits_by_itself: Option<Box<RealWait>>,
    },
    Answered(Option<Reply>),
}

impl Call {
    #[inline]
    pub(super) fn waiting(
        mesh: Mesh,
        shard: u16,
        token: Token,
        waits_by_itself: Option<Box<RealWait>>,
    ) -> Self {
        Self {
            state: CallState::Waiting {
                mesh,
                shard,
                token,
                waits_by_itself,
            },
        }
    }

    /// Its token, while it waits.
    pub(super) fn token(&self) -> Option<Token> {
        match &self.state {
            CallState::Waiting { token, .. } => Some(*token),
            CallState::Answered(_) => None,
        }
    }

    #[inline]
    pub(super) fn answered(reply: Reply) -> Self {
        Self {
            state: CallState::Answered(Some(reply)),
        }
    }
}

impl Future for Call {
    type Output = Reply;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Reply> {
        match &mut self.state {
            CallState::Waiting {
                mesh,
                token,
                shard,
                waits_by_itself,
            } => {
                let polled = mesh.inner.pending.borrow_mut().poll(*token, cx);
                let reply = match (polled, waits_by_itself) {
                    (Poll::Ready(reply), _) => reply,
                    (Poll::Pending, Some(wait)) => {
                        let nothing = std::task::ready!(wait.poll(cx));
                        mesh.cancel(*shard, *token);
                        nothing
                    }
                    (Poll::Pending, None) => return Poll::Pending,
                };
                self.state = CallState::Answered(None);
                Poll::Ready(reply)
            }
            CallState::Answered(reply) => {
                Poll::Ready(reply.take().expect("polled after it was answered"))
            }
        }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        if let CallState::Waiting {
            mesh, shard, token, ..
        } = &self.state
        {
            mesh.cancel(*shard, *token);
        }
    }
}
