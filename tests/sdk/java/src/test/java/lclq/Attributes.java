package lclq;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Map;
import java.util.TreeMap;
import software.amazon.awssdk.core.SdkBytes;
import software.amazon.awssdk.services.sqs.model.MessageAttributeValue;

/** Message attributes, and their MD5 as the service documents it. */
final class Attributes {
    /** A trace header, and the MD5 that is documented for it. */
    static final String TRACE = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1";
    static final String TRACE_MD5 = "5ae4d5d7636402d80f4eb6d213245a88";

    static final Map<String, MessageAttributeValue> EVERY_KIND = Map.of(
            "text", string("grüße, 世界 🚀"),
            "number", typed("Number", "-12.50"),
            "bytes", binary("Binary", 0, 1, 127, 128, 255),
            "custom.text", typed("String.json", "{}"),
            "custom.number", typed("Number.int", "42"),
            "custom.bytes", binary("Binary.png", 137, 80, 78, 71));

    private Attributes() {}

    static MessageAttributeValue string(String value) {
        return typed("String", value);
    }

    static MessageAttributeValue typed(String type, String value) {
        return MessageAttributeValue.builder().dataType(type).stringValue(value).build();
    }

    static MessageAttributeValue binary(String type, int... values) {
        var bytes = new byte[values.length];
        for (int i = 0; i < values.length; i++) {
            bytes[i] = (byte) values[i];
        }
        return MessageAttributeValue.builder().dataType(type).binaryValue(SdkBytes.fromByteArray(bytes)).build();
    }

    static String md5(String body) {
        return md5(body.getBytes(StandardCharsets.UTF_8));
    }

    static String md5(Map<String, MessageAttributeValue> attributes) {
        var out = new ByteArrayOutputStream();
        new TreeMap<>(attributes).forEach((name, value) -> {
            field(out, name.getBytes(StandardCharsets.UTF_8));
            field(out, value.dataType().getBytes(StandardCharsets.UTF_8));
            boolean binary = value.dataType().startsWith("Binary");
            out.write(binary ? 2 : 1);
            field(out, binary ? value.binaryValue().asByteArray() : value.stringValue().getBytes(StandardCharsets.UTF_8));
        });
        return md5(out.toByteArray());
    }

    private static void field(ByteArrayOutputStream out, byte[] data) {
        out.writeBytes(ByteBuffer.allocate(4).putInt(data.length).array());
        out.writeBytes(data);
    }

    private static String md5(byte[] data) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("MD5").digest(data));
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError(e);
        }
    }
}
