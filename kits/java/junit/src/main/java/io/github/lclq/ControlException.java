package io.github.lclq;

/** The server has refused what a test asked of it, or can't be asked. */
public final class ControlException extends RuntimeException {
    private static final long serialVersionUID = 1;

    private final int status;

    ControlException(int status, String message) {
        super(message);
        this.status = status;
    }

    /** The refusal's HTTP status; 0 where there was no answer. */
    public int status() {
        return status;
    }
}
