package io.github.lclq;

/** The server didn't start; the message has what it said. */
public final class StartException extends RuntimeException {
    private static final long serialVersionUID = 1;

    StartException(String message) {
        super(message);
    }
}
