import { createPublicKey, hash } from 'node:crypto'

// Ed25519ph (RFC 8032, section 5.1). cosign 3 signs with it, and node:crypto has only pure Ed25519.
// All values are public. The run time may depend on them.

/** The prime of the field, the order of the base point, and d of the curve. */
const p = 2n ** 255n - 19n
const order = 2n ** 252n + 27742317777372353535851937790883648493n
const d = 37095705934669439343138083508754565189542113879843219016388785533085940283555n
const baseX = 15112221349535400772501151409588531511454012693041857206046113283949847762202n
const baseY = 46316835694926478169428394003475163141307993866256225615783033603165251855960n
/** A square root of -1. */
const rootOfMinusOne = 19681161376707505956807079304988542015446066515923890162744021073123829784752n

/** dom2 with the flag of the hashed variant and without context (section 2). */
const domain = Buffer.concat([Buffer.from('SigEd25519 no Ed25519 collisions'), Buffer.of(1, 0)])

/**
 * A point as x = X/Z, y = Y/Z, x·y = E·H/Z. Only additions compute T = E·H of the specification,
 * because doublings do not need it.
 */
interface CurvePoint {
  readonly X: bigint
  readonly Y: bigint
  readonly Z: bigint
  readonly E: bigint
  readonly H: bigint
}

/** A point in the form in which it is added to others. */
interface Addend {
  readonly difference: bigint
  readonly sum: bigint
  readonly twoZ: bigint
  readonly twoDT: bigint
}

const identity = affine(0n, 1n)
/** Computed for the first signature: most runs check none. */
let baseMultiples: readonly Addend[] | undefined

/** Bits of a scalar that are added at once. */
const windowBits = 4n
const windows = 64n

/**
 * Returns a function that checks signatures of a key. The function never throws.
 * @param publicKeyPem SubjectPublicKeyInfo of an Ed25519 key
 */
export function ed25519phVerifier(
  publicKeyPem: string,
): (bytes: Uint8Array, signature: Uint8Array) => boolean {
  const key = createPublicKey(publicKeyPem).export({ format: 'der', type: 'spki' }).subarray(-32)
  let multiples: readonly Addend[] | undefined
  return (bytes, signature) => {
    if (signature.byteLength !== 64) return false
    const s = littleEndian(signature.subarray(32))
    multiples ??= multiplesOfNegated(decodePoint(key))
    if (s >= order || multiples.length === 0) return false
    const r = signature.subarray(0, 32)
    const challenge = Buffer.concat([domain, r, key, hash('sha512', bytes, 'buffer')])
    const k = littleEndian(hash('sha512', challenge, 'buffer')) % order
    baseMultiples ??= multiplesOf(affine(baseX, baseY))
    return encodePoint(sumOfMultiples(s, baseMultiples, k, multiples)).equals(r)
  }
}

/** Returns an empty list for a key that is no point. */
function multiplesOfNegated(point: CurvePoint | undefined): readonly Addend[] {
  return point === undefined ? [] : multiplesOf(affine(p - point.X, point.Y))
}

function affine(x: bigint, y: bigint): CurvePoint {
  return { X: x, Y: y, Z: 1n, E: x, H: y }
}

function littleEndian(bytes: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(bytes.toReversed()).toString('hex')}`)
}

/** Section 5.1.3; undefined if the bytes encode no point. */
function decodePoint(bytes: Uint8Array): CurvePoint | undefined {
  const encoded = littleEndian(bytes)
  const isOdd = encoded >> 255n
  const y = encoded & (2n ** 255n - 1n)
  if (y >= p) return undefined
  const u = mod(y * y - 1n)
  const v = mod(d * y * y + 1n)
  const candidate = mod(u * v ** 3n * power(mod(u * v ** 7n), (p - 5n) / 8n))
  const square = mod(v * candidate * candidate)
  const root = square === u ? candidate : mod(candidate * rootOfMinusOne)
  if (square !== u && square !== mod(-u)) return undefined
  if (root === 0n && isOdd === 1n) return undefined
  const x = (root & 1n) === isOdd ? root : p - root
  return affine(x, y)
}

/** Section 5.1.2 */
function encodePoint({ X, Y, Z }: CurvePoint): Buffer {
  const inverse = power(Z, p - 2n)
  const encoded = mod(Y * inverse) + ((mod(X * inverse) & 1n) << 255n)
  return Buffer.from(Buffer.from(encoded.toString(16).padStart(64, '0'), 'hex').toReversed())
}

/** 0 to 15 times the point. */
function multiplesOf(point: CurvePoint): readonly Addend[] {
  const addend = addendOf(point)
  const multiples = [addendOf(identity)]
  for (let sum = point; multiples.length < 16; sum = add(sum, addend)) multiples.push(addendOf(sum))
  return multiples
}

function addendOf({ X, Y, Z, E, H }: CurvePoint): Addend {
  return { difference: mod(Y - X), sum: mod(Y + X), twoZ: mod(2n * Z), twoDT: mod(2n * d * mod(E * H)) }
}

/** Adds `a` times one point and `b` times another, given by their multiples. */
function sumOfMultiples(
  a: bigint,
  multiplesOfA: readonly Addend[],
  b: bigint,
  multiplesOfB: readonly Addend[],
): CurvePoint {
  let sum = identity
  for (let window = windows - 1n; window >= 0n; window--) {
    for (let i = 0n; i < windowBits; i++) sum = double(sum)
    const shift = window * windowBits
    sum = addMultiple(sum, multiplesOfA, Number((a >> shift) & 15n))
    sum = addMultiple(sum, multiplesOfB, Number((b >> shift) & 15n))
  }
  return sum
}

function addMultiple(sum: CurvePoint, multiples: readonly Addend[], digit: number): CurvePoint {
  const addend = multiples[digit]
  return digit === 0 || addend === undefined ? sum : add(sum, addend)
}

/** Section 5.1.4 */
function add({ X, Y, Z, E, H }: CurvePoint, { difference, sum, twoZ, twoDT }: Addend): CurvePoint {
  const a = ((Y - X) * difference) % p
  const b = ((Y + X) * sum) % p
  const c = (((E * H) % p) * twoDT) % p
  const e = (Z * twoZ) % p
  return product(b - a, e - c, e + c, b + a)
}

/**
 * Section 5.1.4, with all four factors negated: the products are the same, and 2·X·Y replaces a
 * square of a sum.
 */
function double({ X, Y, Z }: CurvePoint): CurvePoint {
  const a = (X * X) % p
  const b = (Y * Y) % p
  const difference = b - a
  return product((2n * X * Y) % p, difference - ((2n * Z * Z) % p), difference, -a - b)
}

function product(e: bigint, f: bigint, g: bigint, h: bigint): CurvePoint {
  return { X: (e * f) % p, Y: (g * h) % p, Z: (f * g) % p, E: e, H: h }
}

function mod(value: bigint): bigint {
  const rest = value % p
  return rest < 0n ? rest + p : rest
}

function power(value: bigint, exponent: bigint): bigint {
  const powers = [1n]
  while (powers.length < 16) powers.push(((powers.at(-1) ?? 1n) * value) % p)
  let result = 1n
  for (const digit of exponent.toString(16)) {
    for (let i = 0; i < 4; i++) result = (result * result) % p
    result = (result * (powers[Number.parseInt(digit, 16)] ?? 1n)) % p
  }
  return result
}
