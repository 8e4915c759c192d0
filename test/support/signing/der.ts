/** Writes DER (X.690) for certificates that no library would write. */

export function element(tag: number, ...contents: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(contents)
  return Buffer.concat([Buffer.of(tag), lengthOf(content.byteLength), content])
}

function lengthOf(length: number): Buffer {
  if (length < 0x80) return Buffer.of(length)
  const bytes: number[] = []
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256)
  return Buffer.of(0x80 + bytes.length, ...bytes)
}

export function sequence(...contents: readonly Uint8Array[]): Buffer {
  return element(0x30, ...contents)
}

export function oid(text: string): Buffer {
  const [first = 0, second = 0, ...arcs] = text.split('.').map(Number)
  return element(0x06, Buffer.from([first * 40 + second, ...arcs].flatMap(base128)))
}

function base128(arc: number): readonly number[] {
  const bytes = [arc % 128]
  for (let rest = Math.floor(arc / 128); rest > 0; rest = Math.floor(rest / 128)) {
    bytes.unshift(0x80 + (rest % 128))
  }
  return bytes
}

export function utf8String(text: string): Buffer {
  return element(0x0c, Buffer.from(text))
}

export function octetString(...contents: readonly Uint8Array[]): Buffer {
  return element(0x04, ...contents)
}

export function bitString(content: Uint8Array): Buffer {
  return element(0x03, Buffer.of(0), content)
}

export function generalizedTime(time: number): Buffer {
  const text = new Date(time).toISOString().replaceAll(/[-:T]|\.\d+/g, '')
  return element(0x18, Buffer.from(text))
}

/** A distinguished name with an organisation and a common name. */
export function distinguishedName(organization: string, commonName: string): Buffer {
  const part = (type: string, value: string): Buffer => element(0x31, sequence(oid(type), utf8String(value)))
  return sequence(part('2.5.4.10', organization), part('2.5.4.3', commonName))
}
