/* SPDX-License-Identifier: BSD-2-Clause */

import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.MessageDigest;
import java.security.PrivateKey;
import java.security.Signature;
import java.security.cert.CertificateFactory;
import java.security.spec.PKCS8EncodedKeySpec;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.Base64;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;

/**
 * Java's HttpClient with retries, as people write it by hand.
 *
 * <p>java Client FOLDER 1|2 URL TOKEN FILE
 */
public final class Client {
    private static final String NAMES = "date (request-target) host"
        + " content-length content-type x-content-sha256";

    private final Path folder;
    private final HttpClient http;

    private Client(Path folder, HttpClient.Version version) throws Exception {
        this.folder = folder;
        this.http = HttpClient.newBuilder().version(version)
            .sslContext(context()).build();
    }

    public static void main(String[] args) throws Exception {
        Client client = new Client(Path.of(args[0]), args[1].equals("2")
            ? HttpClient.Version.HTTP_2 : HttpClient.Version.HTTP_1_1);
        HttpResponse<String> response = client.create(URI.create(args[2]),
            args[3], Files.readAllBytes(Path.of(args[4])));

        System.out.println("{\"status\":" + response.statusCode()
            + ",\"version\":"
            + (response.version() == HttpClient.Version.HTTP_2 ? 2 : 1)
            + ",\"key\":" + member(response.body(), "key")
            + ",\"code\":" + member(response.body(), "code")
            + ",\"message\":" + member(response.body(), "message")
            + ",\"request_id\":" + header(response, "opc-request-id")
            + ",\"replayed\":" + header(response, "opc-retry-replayed")
            + "}");
    }

    private HttpResponse<String> create(URI uri, String token, byte[] body)
            throws Exception {
        HttpResponse<String> response = null;

        for (int attempt = 0; attempt < 5; attempt++) {
            Thread.sleep(attempt * 1000L);
            response = http.send(signed(uri, token, body),
                HttpResponse.BodyHandlers.ofString());

            int status = response.statusCode();
            String code = member(response.body(), "code");

            if (status < 500 && !code.equals("\"IncorrectState\"")
                    && !code.equals("\"TooManyRequests\"")) {
                break;
            }
        }

        return response;
    }

    private HttpRequest signed(URI uri, String token, byte[] body)
            throws Exception {
        String date = DateTimeFormatter.RFC_1123_DATE_TIME
            .format(ZonedDateTime.now(ZoneOffset.UTC).withNano(0));
        String digest = base64(MessageDigest.getInstance("SHA-256")
            .digest(body));
        String text = "date: " + date
            + "\n(request-target): post " + uri.getRawPath()
            + "\nhost: " + uri.getAuthority()
            + "\ncontent-length: " + body.length
            + "\ncontent-type: application/json"
            + "\nx-content-sha256: " + digest;

        Signature signature = Signature.getInstance("SHA256withRSA");
        signature.initSign(key());
        signature.update(text.getBytes(StandardCharsets.US_ASCII));

        return HttpRequest.newBuilder(uri)
            .POST(HttpRequest.BodyPublishers.ofByteArray(body))
            .header("date", date)
            .header("content-type", "application/json")
            .header("x-content-sha256", digest)
            .header("opc-retry-token", token)
            .header("authorization", "Signature version=\"1\",headers=\""
                + NAMES + "\",keyId=\"" + keyId()
                + "\",algorithm=\"rsa-sha256\",signature=\""
                + base64(signature.sign()) + "\"")
            .build();
    }

    private SSLContext context() throws Exception {
        KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
        store.load(null, null);

        try (InputStream in = Files.newInputStream(
                folder.resolve("gateway.crt"))) {
            store.setCertificateEntry("gateway",
                CertificateFactory.getInstance("X.509")
                    .generateCertificate(in));
        }

        TrustManagerFactory trust = TrustManagerFactory.getInstance(
            TrustManagerFactory.getDefaultAlgorithm());
        trust.init(store);

        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, trust.getTrustManagers(), null);
        return context;
    }

    private PrivateKey key() throws Exception {
        String pem = Files.readString(folder.resolve("user.pem"))
            .replaceAll("-----[A-Z ]+-----|\\s", "");
        return KeyFactory.getInstance("RSA").generatePrivate(
            new PKCS8EncodedKeySpec(Base64.getDecoder().decode(pem)));
    }

    private String keyId() throws Exception {
        return member(Files.readString(folder.resolve("ids.json")), "keyId")
            .replace("\"", "");
    }

    private static String base64(byte[] data) {
        return Base64.getEncoder().encodeToString(data);
    }

    /** A string member of an object, as it is written; null: none. */
    private static String member(String json, String name) {
        Matcher matcher = Pattern.compile("\"" + name
            + "\"\\s*:\\s*(\"(?:[^\"\\\\]|\\\\.)*\")").matcher(json);
        return matcher.find() ? matcher.group(1) : "null";
    }

    private static String header(HttpResponse<String> response, String name) {
        return response.headers().firstValue(name)
            .map(value -> "\"" + value + "\"").orElse("null");
    }
}
