import { hash, sign } from 'node:crypto'
import { initializeTLog, initializeTSA } from '@sigstore/mock'
import { preAuthEncoding } from '../../../src/signing/dsse.ts'
import {
  CertificateAuthority,
  type CertificateLog,
  certificateLog,
  ecKeys,
  type Leaf,
  type LeafOptions,
  spkiOf,
} from './certificates.ts'

const host = 'https://rekor.test'
const hour = 60 * 60 * 1000
const statementType = 'application/vnd.in-toto+json'
type Json = Readonly<Record<string, unknown>>
type Tlog = Awaited<ReturnType<typeof initializeTLog>>
type Tsa = Awaited<ReturnType<typeof initializeTSA>>

export interface LogEntryJson {
  logIndex: string
  logId: { keyId: string }
  kindVersion: { kind: string; version: string }
  integratedTime: string
  inclusionPromise?: { signedEntryTimestamp: string }
  inclusionProof?: {
    logIndex: string
    treeSize: string
    rootHash: string
    hashes: string[]
    checkpoint: { envelope: string }
  }
  canonicalizedBody: string
}

/** A bundle that tests can change. */
export interface BundleJson {
  mediaType: string
  verificationMaterial: {
    certificate?: { rawBytes: string }
    x509CertificateChain?: { certificates: { rawBytes: string }[] }
    publicKey?: { hint: string }
    tlogEntries?: LogEntryJson[]
    timestampVerificationData?: { rfc3161Timestamps: { signedTimestamp: string }[] }
  }
  dsseEnvelope: { payload: string; payloadType: string; signatures: { sig: string; keyid?: string }[] }
}

export interface BundleOptions {
  readonly leaf?: LeafOptions
  readonly version?: '0.1' | '0.2' | '0.3'
  readonly withLog?: boolean
  readonly withTimestamp?: boolean
  /** of a `.att` layer: before cosign 3, the timestamp was about the whole layer */
  readonly timestampOf?: 'signature' | 'layer'
}

function base64(bytes: Uint8Array | string): string {
  return Buffer.from(bytes).toString('base64')
}

function bytesOf(view: ArrayBufferView<ArrayBuffer>): Buffer {
  return Buffer.from(view.buffer, view.byteOffset, view.byteLength)
}

/** Signs with the hash that belongs to the curve of the leaf. */
function signWith({ keys }: Leaf, bytes: Uint8Array): Buffer {
  const isP384 = keys.publicKey.asymmetricKeyDetails?.namedCurve === 'secp384r1'
  return sign(isP384 ? 'sha384' : 'sha256', bytes, keys.privateKey)
}

/**
 * A CA, a certificate log, a transparency log and a timestamp authority, for one set of roots.
 */
export class SigstoreInstance {
  /** milliseconds since 1970 */
  readonly at: number
  readonly #name: string
  readonly #ca: CertificateAuthority
  readonly #ctlog: CertificateLog = certificateLog()
  readonly #tlog: Tlog
  readonly #tsa: Tsa

  private constructor(name: string, at: number, tlog: Tlog, tsa: Tsa) {
    this.#name = name
    this.at = at
    this.#ca = new CertificateAuthority(name, at - hour)
    this.#tlog = tlog
    this.#tsa = tsa
  }

  /**
   * All of its clocks show `at`, which is near the time of the machine, because the certificate of
   * the mock's timestamp authority begins then.
   */
  static async start(name = 'sigstore.test'): Promise<SigstoreInstance> {
    // A whole second: the library cannot read some of the fractions that the mock writes.
    const at = Math.ceil(Date.now() / 1000 + 60) * 1000
    const clock = new Date(at)
    const [tlog, tsa] = [await initializeTLog(host, ecKeys(), clock), await initializeTSA(ecKeys(), clock)]
    return new SigstoreInstance(name, at, tlog, tsa)
  }

  /** The trusted root, with other fields if a test needs them. */
  root(over: Json = {}): Json {
    const tsaChain = [bytesOf(this.#tsa.intCertificate), bytesOf(this.#tsa.rootCertificate)]
    return {
      mediaType: 'application/vnd.dev.sigstore.trustedroot+json;version=0.1',
      tlogs: [this.#logJson(this.#tlog.publicKey)],
      certificateAuthorities: [this.#authorityJson(this.#ca.chain)],
      ctlogs: [this.#logJson(spkiOf(this.#ctlog.keys.publicKey))],
      timestampAuthorities: [this.#authorityJson(tsaChain)],
      ...over,
    }
  }

  #period(): Json {
    return { start: new Date(this.at - hour).toISOString() }
  }

  #logJson(key: Buffer): Json {
    return {
      baseUrl: host,
      hashAlgorithm: 'SHA2_256',
      publicKey: { rawBytes: base64(key), keyDetails: 'PKIX_ECDSA_P256_SHA_256', validFor: this.#period() },
      logId: { keyId: hash('sha256', key, 'base64') },
    }
  }

  #authorityJson(chain: readonly Uint8Array[]): Json {
    return {
      subject: { organization: this.#name, commonName: this.#name },
      certChain: { certificates: chain.map((der) => ({ rawBytes: base64(der) })) },
      validFor: this.#period(),
    }
  }

  issue(options: LeafOptions = {}): Leaf {
    return this.#ca.issue(options, this.#ctlog, this.at)
  }

  /** Logs an entry with a promise and an inclusion proof, as a bundle has them. */
  async log(entry: {
    readonly kind: string
    readonly apiVersion: string
    readonly spec: Json
  }): Promise<LogEntryJson> {
    const logged = Object.values(await this.#tlog.log(entry))[0] as LoggedEntry
    const { inclusionProof: proof, signedEntryTimestamp } = logged.verification
    return {
      logIndex: String(logged.logIndex),
      logId: { keyId: Buffer.from(logged.logID, 'hex').toString('base64') },
      kindVersion: { kind: entry.kind, version: entry.apiVersion },
      integratedTime: String(logged.integratedTime),
      inclusionPromise: { signedEntryTimestamp },
      inclusionProof: {
        logIndex: '0',
        treeSize: '1',
        rootHash: Buffer.from(proof.rootHash, 'hex').toString('base64'),
        hashes: [],
        checkpoint: { envelope: proof.checkpoint },
      },
      canonicalizedBody: logged.body,
    }
  }

  /** A signed timestamp of bytes (RFC 3161). */
  async timestamp(bytes: Uint8Array): Promise<string> {
    const response = await this.#tsa.timestamp({
      artifactHash: hash('sha256', bytes, 'buffer'),
      hashAlgorithmOID: '2.16.840.1.101.3.4.2.1',
      nonce: 1,
      policyOID: '1.3.6.1.4.1.57264.2',
    })
    return base64(bytesOf(response))
  }

  /** Signs a statement with a certificate, as `cosign sign` and `cosign attest` do. */
  async bundle(statement: string, options: BundleOptions = {}): Promise<BundleJson> {
    const { version = '0.3', withLog = true, withTimestamp = false } = options
    const leaf = this.issue(options.leaf)
    const { envelope, signature } = signStatement(leaf, statement)
    const { inclusionProof, ...entry } = await this.log(dsseEntry(statement, signature, leaf.pem))
    const certificate = { rawBytes: base64(leaf.der) }
    const isNew = version === '0.3'
    return {
      mediaType: isNew
        ? 'application/vnd.dev.sigstore.bundle.v0.3+json'
        : `application/vnd.dev.sigstore.bundle+json;version=${version}`,
      verificationMaterial: {
        ...(isNew ? { certificate } : { x509CertificateChain: { certificates: [certificate] } }),
        tlogEntries: withLog
          ? [version === '0.1' || inclusionProof === undefined ? entry : { ...entry, inclusionProof }]
          : [],
        ...(withTimestamp && {
          timestampVerificationData: {
            rfc3161Timestamps: [{ signedTimestamp: await this.timestamp(signature) }],
          },
        }),
      },
      dsseEnvelope: envelope,
    }
  }

  /** Signs a payload as `cosign sign` did before cosign 3: the annotations of the layer. */
  async simpleSigning(payload: string, options: BundleOptions = {}): Promise<Record<string, string>> {
    const leaf = this.issue(options.leaf)
    const signature = signWith(leaf, Buffer.from(payload))
    const entry = await this.log(hashedRekordEntry(payload, signature, leaf.pem))
    return {
      'dev.cosignproject.cosign/signature': base64(signature),
      ...(await this.#annotations(leaf, entry, signature, options)),
    }
  }

  /** Signs a statement as `cosign attest` did before cosign 3. */
  async dsseLayer(
    statement: string,
    options: BundleOptions = {},
  ): Promise<{ readonly bytes: Buffer; readonly annotations: Record<string, string> }> {
    const leaf = this.issue(options.leaf)
    const { envelope, signature } = signStatement(leaf, statement)
    const bytes = Buffer.from(JSON.stringify(envelope))
    const entry = await this.log(dsseEntry(statement, signature, leaf.pem))
    const timestamped = options.timestampOf === 'layer' ? bytes : signature
    return { bytes, annotations: await this.#annotations(leaf, entry, timestamped, options) }
  }

  async #annotations(
    leaf: Leaf,
    entry: LogEntryJson,
    timestamped: Uint8Array,
    { withLog = true, withTimestamp = false }: BundleOptions,
  ): Promise<Record<string, string>> {
    const bundle = {
      SignedEntryTimestamp: entry.inclusionPromise?.signedEntryTimestamp,
      Payload: {
        body: entry.canonicalizedBody,
        integratedTime: Number(entry.integratedTime),
        logIndex: Number(entry.logIndex),
        logID: Buffer.from(entry.logId.keyId, 'base64').toString('hex'),
      },
    }
    const timestamp = withTimestamp
      ? { SignedRFC3161Timestamp: await this.timestamp(timestamped) }
      : undefined
    return {
      'dev.sigstore.cosign/certificate': leaf.pem,
      'dev.sigstore.cosign/chain': '',
      ...(withLog && { 'dev.sigstore.cosign/bundle': JSON.stringify(bundle) }),
      ...(timestamp !== undefined && { 'dev.sigstore.cosign/rfc3161timestamp': JSON.stringify(timestamp) }),
    }
  }
}

/** The answer of Rekor v1. */
interface LoggedEntry {
  readonly body: string
  readonly integratedTime: number
  readonly logID: string
  readonly logIndex: number
  readonly verification: {
    readonly signedEntryTimestamp: string
    readonly inclusionProof: { readonly rootHash: string; readonly checkpoint: string }
  }
}

function signStatement(
  leaf: Leaf,
  statement: string,
): { readonly envelope: BundleJson['dsseEnvelope']; readonly signature: Buffer } {
  const signature = signWith(leaf, preAuthEncoding(statementType, Buffer.from(statement)))
  return {
    signature,
    envelope: {
      payload: base64(statement),
      payloadType: statementType,
      signatures: [{ sig: base64(signature) }],
    },
  }
}

type ProposedEntry = Parameters<SigstoreInstance['log']>[0]

function dsseEntry(statement: string, signature: Uint8Array, pem: string): ProposedEntry {
  return {
    apiVersion: '0.0.1',
    kind: 'dsse',
    spec: {
      payloadHash: { algorithm: 'sha256', value: hash('sha256', statement) },
      signatures: [{ signature: base64(signature), verifier: base64(pem) }],
    },
  }
}

function hashedRekordEntry(payload: string, signature: Uint8Array, pem: string): ProposedEntry {
  return {
    apiVersion: '0.0.1',
    kind: 'hashedrekord',
    spec: {
      data: { hash: { algorithm: 'sha256', value: hash('sha256', payload) } },
      signature: { content: base64(signature), publicKey: { content: base64(pem) } },
    },
  }
}
