import { createPublicKey, X509Certificate } from 'node:crypto'
import { DrayError, isDrayError } from '../../lib/errors.ts'
import { digestOf } from '../../oci/digest.ts'
import { Fields } from '../../oci/fields.ts'
import { parseJson } from '../../oci/json.ts'
import type { TransparencyLog, TrustedRootDocument } from '../trust/signer.ts'

/** The media types of trusted roots (sigstore, protobuf-specs, sigstore_trustroot.proto). */
const mediaTypes: ReadonlySet<string> = new Set([
  'application/vnd.dev.sigstore.trustedroot+json;version=0.1',
  'application/vnd.dev.sigstore.trustedroot.v0.1+json',
  'application/vnd.dev.sigstore.trustedroot.v0.2+json',
])
const maxDocuments = 50
/** of CAs, logs or certificates in one document */
const maxItems = 200

/**
 * Parses a trusted root: one document, or one in each line of a `.jsonl` file. Checks each
 * certificate and key in it.
 * @throws `config` for a file that is empty or no trusted root, and if no document has the logs or
 * timestamp authorities that the signer needs.
 */
export function parseTrustedRoot(
  text: string,
  file: string,
  transparencyLog: TransparencyLog,
): readonly TrustedRootDocument[] {
  const isLines = file.endsWith('.jsonl')
  const texts = isLines ? text.split('\n').filter((line) => line.trim() !== '') : [text]
  if (texts.length === 0) throw notUsable(file, 'the trusted root is empty')
  if (texts.length > maxDocuments)
    throw notUsable(file, `the trusted root has more than ${maxDocuments} documents`)
  const documents = texts.map((one, i) =>
    parseDocument(one, isLines ? `line ${i + 1}` : 'the trusted root', file),
  )
  const usable = documents.filter(({ kinds }) =>
    transparencyLog === 'required' ? kinds.hasLogs : kinds.hasTimestampAuthority,
  )
  if (usable.length > 0) return usable.map(({ document }) => document)
  throw notUsable(
    file,
    transparencyLog === 'required'
      ? 'the trusted root has no transparency log and certificate log'
      : 'the trusted root has no timestamp authority',
  )
}

interface ParsedRoot {
  readonly document: TrustedRootDocument
  readonly kinds: { readonly hasLogs: boolean; readonly hasTimestampAuthority: boolean }
}

function parseDocument(text: string, where: string, file: string): ParsedRoot {
  try {
    const json = parseJson(text, where)
    const fields = Fields.of(json, where)
    const mediaType = fields.text('mediaType')
    if (!mediaTypes.has(mediaType)) throw malformed(where, `has the media type ${mediaType}`)
    const authorities = listOf(fields, 'certificateAuthorities').flatMap((one, i) =>
      certificatesOf(one, `${where}.certificateAuthorities[${i}]`),
    )
    if (authorities.length === 0) throw malformed(where, 'has no certificate authority')
    const timestampAuthorities = listOf(fields, 'timestampAuthorities')
    timestampAuthorities.forEach((one, i) => certificatesOf(one, `${where}.timestampAuthorities[${i}]`))
    const [logs, certificateLogs] = (['tlogs', 'ctlogs'] as const).map((name) => {
      const all = listOf(fields, name)
      all.forEach((one, i) => checkLog(one, `${where}.${name}[${i}]`))
      return all.length
    })
    return {
      document: { json, digest: digestOf(text), authorities },
      kinds: {
        hasLogs: (logs ?? 0) > 0 && (certificateLogs ?? 0) > 0,
        hasTimestampAuthority: timestampAuthorities.length > 0,
      },
    }
  } catch (error) {
    if (!isDrayError(error)) throw error
    throw notUsable(file, error.message)
  }
}

function listOf(fields: Fields, name: string): readonly unknown[] {
  return fields.value(name) == null ? [] : fields.list(name, maxItems)
}

function certificatesOf(authority: unknown, where: string): readonly X509Certificate[] {
  const fields = Fields.of(authority, where)
  checkPeriod(fields.optionalObject('validFor'), where)
  const list = fields.object('certChain').list('certificates', maxItems)
  if (list.length === 0) throw malformed(where, 'has no certificate')
  return list.map((one, i) => {
    const der = Fields.of(one, `${where}.certChain.certificates[${i}]`).bytes('rawBytes')
    try {
      return new X509Certificate(der)
    } catch {
      throw malformed(`${where}.certChain.certificates[${i}]`, 'is not a certificate')
    }
  })
}

function checkLog(log: unknown, where: string): void {
  const fields = Fields.of(log, where)
  fields.object('logId').bytes('keyId')
  const key = fields.object('publicKey')
  const period = key.object('validFor')
  checkPeriod(period, where)
  // Without it, a log would vouch for any time in the past.
  period.text('start')
  const type = key.optionalText('keyDetails')?.startsWith('PKCS1_') === true ? 'pkcs1' : 'spki'
  const der = key.bytes('rawBytes')
  try {
    createPublicKey({ key: der, format: 'der', type })
  } catch {
    throw malformed(`${where}.publicKey`, 'is not a public key')
  }
}

function checkPeriod(period: Fields | undefined, where: string): void {
  for (const name of ['start', 'end'] as const) {
    const time = period?.optionalText(name)
    if (time !== undefined && Number.isNaN(Date.parse(time)))
      throw malformed(`${where}.validFor.${name}`, 'is not a time')
  }
}

function malformed(where: string, what: string): DrayError {
  return new DrayError('malformed', `${where} ${what}`)
}

function notUsable(file: string, message: string): DrayError {
  return new DrayError('config', message, {
    subject: file,
    hint: `Write the file again: ${updateCommand(file)}. A file with a document in each line must end in .jsonl.`,
  })
}

/**
 * Returns when the last CA of a document ends, milliseconds since 1970: later signatures cannot be
 * verified with it. Infinity if one has no end.
 */
export function endOfTrustedRoot({ json }: Pick<TrustedRootDocument, 'json'>): number {
  const fields = Fields.of(json, 'the trusted root')
  const ends = listOf(fields, 'certificateAuthorities').map((authority) => {
    const certificates = certificatesOf(authority, 'the trusted root')
    const end = Fields.of(authority, 'the trusted root').optionalObject('validFor')?.optionalText('end')
    return Math.min(
      ...certificates.map(({ validTo }) => Date.parse(validTo)),
      end === undefined ? Infinity : Date.parse(end),
    )
  })
  return Math.max(...ends)
}

/** The command that writes the file with the current CAs and logs. */
export function updateCommand(file: string): string {
  return file.endsWith('.jsonl')
    ? 'gh attestation trusted-root'
    : 'cosign initialize, then copy trusted_root.json from ~/.sigstore/root'
}
