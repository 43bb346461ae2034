/** A small source archive of foo 1.0 as `.tar.bz2`, which Node cannot pack. */
export const BZIP2_SDIST: Buffer = Buffer.from(
  "QlpoMTFBWSZTWXXwLk4AAY1fhs6QQAP/kkmvycBn695wEABAQAQIMAESAJKEAapoeKekbUNqPTUGaQ9I9IzUEkig" +
    "0yaGhoNAAAAAAYDQAADQAAAAAMBuikjL7fim0aPL3iQ0IkIklZRygwiR0ozkRBRSEMhFCyQPecyEcgFGjqiBTCBT" +
    "JzcRAmtMiVK03HzkZ6tArSiWaikc0KExAnCYIFv23t3Ugh7EPjT9TNb3jBAtiIhpdNeeM8U7gbM2cIJJZIYJ4JIX" +
    "g28dK7IMSMQKuTeYFBWRWbbDA2GBO8Y6YYrnC1hoGI+zgXGR3Yhiaagz55511dslnE0/mAdBFQYByYxgjk0I2iKo" +
    "UThCcAzRAeDCEejmjWgFTEKkztEB/i7kinChIOvgXJw=",
  "base64",
);
