/** Ends an example whose outcome isn't what it should be. */
final class Expect {
    static void that(boolean so, Object otherwise) {
        if (!so) {
            throw new AssertionError(otherwise);
        }
    }

    private Expect() {}
}
