/** Unexpected text or bytes. */
export interface HostileText {
  readonly name: string
  readonly bytes: Uint8Array
}

const digest = `sha256:${'0'.repeat(64)}`
const index = 'application/vnd.oci.image.index.v1+json'
const entry = `{"mediaType":"${index}","digest":"${digest}","size":2}`

/** An index whose entry has `field` with this JSON value. */
const inEntry = (field: string, value: string): string =>
  `{"schemaVersion":2,"mediaType":"${index}","manifests":[{"mediaType":"${index}","digest":"${digest}","size":2,"${field}":${value}}]}`

const controls = Array.from({ length: 0xa0 }, (_, code) => String.fromCharCode(code)).join('')
const controlSequences =
  '\u001b]0;pwned\u0007\u001b[2J\u009b31m\u202eevil\u200b\u2028::set-output name=x::y\r\n::error::x\n##vso[task.x]y'

const small: Readonly<Record<string, string | Uint8Array>> = {
  nothing: '',
  'a space': ' ',
  'a line end': '\n',
  NUL: '\0',
  'zeros and a letter': '\0\0\0a',
  'a byte order mark': '\ufeff{}',
  'UTF-16': Buffer.from('\ufeff{"schemaVersion":2}', 'utf16le'),
  'bytes that are no UTF-8': Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0xc0, 0x80, 0xed, 0xa0, 0x80, 0x22, 0x7d]),
  'an overlong slash': Buffer.from([0x2e, 0x2e, 0xc0, 0xaf, 0x2e, 0x2e]),
  'all controls': controls,
  'control sequences for a terminal and a CI service': controlSequences,
  'control sequences in JSON': JSON.stringify({
    [controlSequences]: controlSequences,
    digest: controlSequences,
    mediaType: controlSequences,
    tags: [controlSequences],
  }),
  'control sequences in a duplicate key': `{${JSON.stringify(controlSequences)}:1,${JSON.stringify(controlSequences)}:2}`,
  'a half of a surrogate pair': '"\\ud800"',
  'a path out': '../../../../etc/passwd',
  'a path out, encoded': '..%2f..%2f%2e%2e/%00',
  'a network path': '//evil.test/x',
  'a script address': 'javascript:alert(1)',
  'a file address': 'file:///etc/passwd',
  'an address with a password': 'https://user:password@evil.test:99999/x#y',
  'a broken address': 'http://[::1',
  null: 'null',
  true: 'true',
  'an empty list': '[]',
  'an empty object': '{}',
  'a list of nothing': '[null,[],{},"",0,false]',
  'a number beyond all': '1e999',
  'a number with many digits': '9'.repeat(400),
  'zero below zero': '-0',
  'a long fraction': `0.${'1'.repeat(1000)}`,
  'a key twice': '{"schemaVersion":2,"schemaVersion":2}',
  'a key twice, escaped': '{"a":1,"\\u0061":2}',
  'a prototype':
    '{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}},"toString":1,"hasOwnProperty":2}',
  'a prototype as names':
    '{"auths":{"__proto__":{"auth":"eDp5"}},"labels":{"__proto__":"x"},"annotations":{"constructor":"x"}}',
  'wrong types everywhere':
    '{"schemaVersion":"2","mediaType":[],"manifests":{},"layers":1,"config":"x","tags":{},"repositories":1,"errors":{},"token":[],"steps":1,"subject":[],"annotations":[]}',
  'lists of wrong types':
    '{"schemaVersion":2,"manifests":[1],"layers":[[]],"tags":[1],"repositories":[{}],"errors":[[]],"signatures":[0],"items":[3]}',
  'an index with itself': `{"schemaVersion":2,"mediaType":"${index}","manifests":[${entry},${entry}]}`,
  'a size below zero': inEntry('x', '0').replace('"size":2', '"size":-1'),
  'a broken size': inEntry('x', '0').replace('"size":2', '"size":1.5'),
  'a size beyond what is exact': inEntry('x', '0').replace('"size":2', '"size":9007199254740993'),
  'a size beyond all numbers': inEntry('x', '0').replace('"size":2', '"size":1e400'),
  'data in an entry': inEntry('data', '"!!!"'),
  'addresses in an entry': inEntry('urls', '["file:///etc/passwd","\\u001b[2J",1]'),
  'annotations of no text': inEntry('annotations', '{"a":1}'),
  'a platform of no text': inEntry('platform', '{"os":1,"architecture":[]}'),
  'an index and a manifest at once': `{"schemaVersion":2,"manifests":[${entry}],"layers":[${entry}],"config":${entry}}`,
  'keys in other cases': `{"SchemaVersion":2,"schemaVersion":2,"Manifests":[${entry}],"manifests":[]}`,
  'an open string': '{"a":"',
  'an open escape': '{"a":"\\u12',
  'two documents': '{}{}',
  'JSON behind a comma': '[1,]',
  'YAML of other types':
    '!!js/function "function(){}"\n--- !!python/object/apply:os.system ["id"]\n--- !<tag:evil,2000:x> y\n',
  'YAML with merge keys': 'a: &a { x: 1 }\nb: { <<: [*a, *a], <<: *a }\n',
  'YAML with a key twice': 'version: 1\nversion: 1\n',
  'YAML with an alias of itself': 'a: &a [*a, *a]\n',
  'YAML with a map as a key': '? { a: [1] }\n: 1\n? [x]\n: 2\n',
  'a billion laughs in YAML': [
    'a: &a [x,x,x,x,x,x,x,x,x]',
    ...Array.from(
      { length: 12 },
      (_, i) =>
        `${'bcdefghijklm'[i]}: &${'bcdefghijklm'[i]} [${Array(9).fill(`*${'abcdefghijkl'[i]}`).join(',')}]`,
    ),
  ].join('\n'),
  'a document of YAML after document': '---\n'.repeat(3000),
  'YAML in blocks': Array.from({ length: 500 }, (_, i) => `${' '.repeat(i)}a:`).join('\n'),
  'anchors without end': Array.from({ length: 2000 }, (_, i) => `k${i}: &a${i} *a${i - 1}`).join('\n'),
  'many quotes': '"'.repeat(5000),
  'many backslashes': '\\'.repeat(5000),
  'many commas': ','.repeat(5000),
  'many spaces': `Bearer${' '.repeat(5000)}x`,
  'many equal signs': `Bearer ${'a='.repeat(3000)}`,
  'many angles': '<'.repeat(5000) + '>'.repeat(5000),
  'many semicolons': `<x>${'; '.repeat(3000)}`,
  'many colons': ':'.repeat(3000),
  'many at signs': 'a@'.repeat(3000),
  'many slashes': 'a/'.repeat(3000),
  'many dots': '1.'.repeat(3000),
  'many stars': `${'*a'.repeat(500)}b`,
  'many groups': `${'(a*)*'.repeat(150)}b`,
  'many braces': '{a,b}'.repeat(100),
  'many dollars': '${'.repeat(2000),
  'many bars': '1 || '.repeat(2000),
  'many line ends': '\n'.repeat(5000),
  'many returns': 'a\r'.repeat(5000),
  'many dashes': '- '.repeat(5000),
  'many question marks': '? '.repeat(5000),
  'many hashes': '# '.repeat(5000),
  'many exclamation marks': '!'.repeat(5000),
  'many plus signs': 'a+'.repeat(5000),
  'many digits': '1'.repeat(5000),
  'many minutes': '1m'.repeat(3000),
  'letters that grow in capitals': 'ﬁß'.repeat(2000),
  Zalgo: `a${'\u0301'.repeat(5000)}`,
  'a certificate of nothing': `-----BEGIN PUBLIC KEY-----\n${'A'.repeat(300)}\n-----END PUBLIC KEY-----\n`,
  'a private key of nothing': '-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----\n',
  'an encrypted key of nothing':
    '-----BEGIN ENCRYPTED PRIVATE KEY-----\nMAA=\n-----END ENCRYPTED PRIVATE KEY-----\n',
}

const mebi = 1024 ** 2
const keys = (count: number): string => `{${Array.from({ length: count }, (_, i) => `"${i}":0`).join()}}`

/** Texts of the size of the largest manifest, or larger. */
const large: Readonly<Record<string, () => string>> = {
  '8 MiB of brackets': () => '['.repeat(8 * mebi),
  'a mebibyte of braces': () => '{"a":'.repeat(mebi / 5),
  '50,000 keys': () => keys(50_000),
  '10,001 children': () =>
    `{"schemaVersion":2,"mediaType":"${index}","manifests":[${Array(10_001).fill(entry).join()}]}`,
  '50,000 tags': () =>
    `{"tags":[${Array.from({ length: 50_000 }, (_, i) => `"t${i}"`).join()}],"repositories":[]}`,
  'a line of a mebibyte': () => 'a'.repeat(mebi),
  'a string of a mebibyte that does not end': () => `{"a":"${'\\"'.repeat(mebi / 2)}`,
  'a list of YAML of 64 KiB': () => '- a\n'.repeat(mebi / 64),
  'a nest of YAML of 1 MiB': () => '- '.repeat(mebi / 2),
}

const bytesOf = (text: string | Uint8Array): Uint8Array =>
  typeof text === 'string' ? Buffer.from(text) : text

export const smallTexts: readonly HostileText[] = Object.entries(small).map(([name, text]) => ({
  name,
  bytes: bytesOf(text),
}))

/** Yields one at a time, because together they are larger than the memory of the worker. */
export function* largeTexts(): Generator<HostileText> {
  for (const [name, make] of Object.entries(large)) yield { name, bytes: bytesOf(make()) }
}
