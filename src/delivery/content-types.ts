/** Subtypes and their extensions by top-level type (core-content §5.14). */
const TABLE: Readonly<Record<string, string>> = {
  application: `
    epub+zip: epub
    gzip: gz gzip
    java-archive: jar
    javascript: js mjs
    json: json
    ld+json: jsonld
    manifest+json: webmanifest
    msword: doc dot wiz
    octet-stream: a bin dll exe o obj so
    oda: oda
    ogg: ogx
    pdf: pdf
    pkcs7-mime: p7c
    postscript: ai eps ps
    rtf: rtf
    vnd.amazon.ebook: azw
    vnd.apple.installer+xml: mpkg
    vnd.apple.mpegurl: m3u m3u8
    vnd.mozilla.xul+xml: xul
    vnd.ms-excel: xlb xls
    vnd.ms-fontobject: eot
    vnd.ms-powerpoint: pot ppa pps ppt pwz
    vnd.oasis.opendocument.presentation: odp
    vnd.oasis.opendocument.spreadsheet: ods
    vnd.oasis.opendocument.text: odt
    vnd.openxmlformats-officedocument.presentationml.presentation: pptx
    vnd.openxmlformats-officedocument.spreadsheetml.sheet: xlsx
    vnd.openxmlformats-officedocument.wordprocessingml.document: docx
    vnd.rar: rar
    vnd.visio: vsd
    wasm: wasm
    x-7z-compressed: 7z
    x-abiword: abw
    x-bcpio: bcpio
    x-bzip: bz
    x-bzip2: bz2
    x-cdf: cda
    x-cpio: cpio
    x-csh: csh
    x-dvi: dvi
    x-freearc: arc
    x-gtar: gtar
    x-hdf: hdf
    x-hdf5: h5
    x-httpd-php: php
    x-latex: latex
    x-mif: mif
    x-netcdf: cdf nc
    x-pkcs12: p12 pfx
    x-pn-realaudio: ram
    x-python-code: pyc pyo
    x-sh: sh
    x-shar: shar
    x-shockwave-flash: swf
    x-sv4cpio: sv4cpio
    x-sv4crc: sv4crc
    x-tar: tar
    x-tcl: tcl
    x-tex: tex
    x-texinfo: texi texinfo
    x-troff: roff t tr
    x-troff-man: man
    x-troff-me: me
    x-troff-ms: ms
    x-ustar: ustar
    x-wais-source: src
    x-xz: xz
    xhtml+xml: xhtml
    xml: rdf wsdl xpdl xsl
    zip: zip
    zstd: zst zstd
  `,
  audio: `
    3gpp: 3gp 3gpp
    3gpp2: 3g2 3gpp2
    aac: aac adts ass loas
    basic: au snd
    mpeg: mp2 mp3
    ogg: oga
    opus: opus
    webm: weba
    x-aiff: aif aifc aiff
    x-midi: mid midi
    x-pn-realaudio: ra
    x-wav: wav
  `,
  font: `
    otf: otf
    ttf: ttf
    woff: woff
    woff2: woff2
  `,
  image: `
    avif: avif
    gif: gif
    heic: heic
    heif: heif
    ief: ief
    jpeg: jpe jpeg jpg
    png: png
    svg+xml: svg
    tiff: tif tiff
    vnd.microsoft.icon: ico
    webp: webp
    x-cmu-raster: ras
    x-ms-bmp: bmp
    x-portable-anymap: pnm
    x-portable-bitmap: pbm
    x-portable-graymap: pgm
    x-portable-pixmap: ppm
    x-rgb: rgb
    x-xbitmap: xbm
    x-xpixmap: xpm
    x-xwindowdump: xwd
  `,
  message: `
    rfc822: eml mht mhtml nws
  `,
  text: `
    calendar: ics
    css: css
    csv: csv
    html: htm html
    plain: bat c h ksh pl txt
    richtext: rtx
    tab-separated-values: tsv
    x-python: py
    x-setext: etx
    x-sgml: sgm sgml
    x-vcard: vcf
    xml: xml
  `,
  video: `
    mp2t: ts
    mp4: mp4
    mpeg: m1v mpa mpe mpeg mpg
    ogg: ogv
    quicktime: mov qt
    webm: webm
    x-sgi-movie: movie
  `,
};

const TYPES: ReadonlyMap<string, string> = new Map(
  Object.entries(TABLE).flatMap(([top, lines]) =>
    lines
      .trim()
      .split("\n")
      .flatMap((line) => {
        const [subtype = "", extensions = ""] = line.trim().split(": ");
        return extensions.split(" ").map((extension) => [extension, `${top}/${subtype}`] as const);
      }),
  ),
);

export const UNKNOWN_TYPE = "application/octet-stream";

/** Media type by the last extension of a path, in any case. */
export function contentType(path: string): string {
  const dot = path.lastIndexOf(".");
  if (dot <= path.lastIndexOf("/") + 1) return UNKNOWN_TYPE;
  return TYPES.get(path.slice(dot + 1).toLowerCase()) ?? UNKNOWN_TYPE;
}

/** Every extension that has a type. */
export const knownExtensions = (): readonly string[] => [...TYPES.keys()];
