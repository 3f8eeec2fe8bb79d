package io.github.lclq;

import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Locale;

/** Where the server's binary is. */
final class Binary {
    private static final boolean WINDOWS = name("os.name").startsWith("windows");
    private static final String FILE = WINDOWS ? "lclq.exe" : "lclq";

    private Binary() {}

    /**
     * What LCLQ_BIN names, else the one of lclq-binary on the class path, else one on PATH.
     *
     * <p>Hazard: a process that begins while the binary is being written keeps it open for writing for a moment, and
     * what is open for writing can't be run. So nobody starts a server meanwhile.
     */
    static synchronized Path find() {
        String named = System.getenv("LCLQ_BIN");
        if (named != null && !named.isEmpty()) {
            if (!Files.isRegularFile(Path.of(named))) {
                throw new StartException("LCLQ_BIN names " + named + ", which isn't there");
            }
            return Path.of(named);
        }
        String resource = "/lclq/" + platform() + "/" + FILE;
        try (InputStream carried = Binary.class.getResourceAsStream(resource)) {
            if (carried != null) {
                return unpack(carried.readAllBytes());
            }
        } catch (IOException error) {
            throw new StartException("the lclq binary can't be unpacked: " + error);
        }
        String path = System.getenv("PATH");
        for (String directory : (path == null ? "" : path).split(File.pathSeparator)) {
            Path file = Path.of(directory, FILE);
            if (!directory.isEmpty() && Files.isExecutable(file)) {
                return file;
            }
        }
        throw new StartException(
                "the lclq binary isn't on PATH, nor " + resource + " on the class path: name one by LCLQ_BIN");
    }

    private static String name(String property) {
        return System.getProperty(property, "").toLowerCase(Locale.ROOT);
    }

    private static String platform() {
        String os = WINDOWS ? "windows" : name("os.name").startsWith("mac") ? "macos" : "linux";
        String arch = name("os.arch").equals("aarch64") ? "aarch64" : "x86_64";
        return os + "-" + arch;
    }

    /** Once for all tests of this user; those that do it at the same time each write a file of their own. */
    private static Path unpack(byte[] content) throws IOException {
        String checksum;
        try {
            checksum = HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(content));
        } catch (NoSuchAlgorithmException error) {
            throw new IllegalStateException(error);
        }
        String user = System.getProperty("user.home");
        String cache = System.getenv("XDG_CACHE_HOME");
        Path directory = (cache != null ? Path.of(cache) : Path.of(user, ".cache")).resolve("lclq").resolve(checksum);
        Path path = directory.resolve(FILE);
        if (Files.isExecutable(path)) {
            return path;
        }
        Files.createDirectories(directory);
        Path written = Files.createTempFile(directory, "unpacking-", "");
        try {
            Files.write(written, content);
            if (!WINDOWS && !written.toFile().setExecutable(true, false)) {
                throw new IOException(written + " can't be made executable");
            }
            Files.move(written, path, StandardCopyOption.REPLACE_EXISTING);
        } finally {
            Files.deleteIfExists(written);
        }
        return path;
    }
}
