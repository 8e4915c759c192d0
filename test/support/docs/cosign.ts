import { createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { attestation, signature } from '../gates/attached.ts'
import { signerWith, type TestSigner } from '../gates/test-signer.ts'
import type { StandIn, StandInPorts } from './stand-in.ts'

/** The predicate types that cosign has short names for. */
const predicateTypes: Readonly<Record<string, string>> = {
  vuln: 'https://cosign.sigstore.dev/attestation/vuln/v1',
  spdxjson: 'https://spdx.dev/Document',
  cyclonedx: 'https://cyclonedx.org/bom',
  openvex: 'https://openvex.dev/ns',
  slsaprovenance1: 'https://slsa.dev/provenance/v1',
}
/** Of files that only cosign can read. */
const label = 'ENCRYPTED SIGSTORE PRIVATE KEY'

/** The commands of cosign 3 that the pages about gates use. It signs without a password. */
export const runCosign: StandIn = async ([command = '', ...args], ports) => {
  if (command === 'generate-key-pair') return generateKeys(args, ports)
  if (command === 'import-key-pair') return importKey(args, ports)
  if (command === 'signing-config') return createSigningConfig(args, ports)
  if (command === 'sign' || command === 'attest') return await attach(command, args, ports)
  throw new Error(`cosign ${command} is not known here`)
}

function generateKeys(args: readonly string[], ports: StandInPorts): string {
  const { values } = parseArgs({ args: [...args], options: { 'output-key-prefix': { type: 'string' } } })
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const pem = privateKey.export({ format: 'pem', type: 'pkcs8' }).toString()
  return writeKeys(pem, values['output-key-prefix'] ?? 'cosign', ports)
}

function importKey(args: readonly string[], ports: StandInPorts): string {
  const options = { key: { type: 'string' }, 'output-key-prefix': { type: 'string' } } as const
  const { values } = parseArgs({ args: [...args], options })
  const pem = readFileSync(join(ports.cwd, values.key ?? ''), 'utf8')
  return writeKeys(pem, values['output-key-prefix'] ?? 'import-cosign', ports)
}

function writeKeys(pem: string, prefix: string, { cwd }: StandInPorts): string {
  const publicKey = createPublicKey(pem).export({ format: 'pem', type: 'spki' })
  writeFileSync(join(cwd, `${prefix}.key`), pem.replaceAll('PRIVATE KEY', label))
  writeFileSync(join(cwd, `${prefix}.pub`), publicKey)
  return `Private key written to ${prefix}.key\nPublic key written to ${prefix}.pub\n`
}

function createSigningConfig(args: readonly string[], { cwd }: StandInPorts): string {
  const { values } = parseArgs({ args: args.slice(1), options: { out: { type: 'string' } } })
  const mediaType = 'application/vnd.dev.sigstore.signingconfig.v0.2+json'
  const config = { mediaType, rekorTlogConfig: {}, tsaConfig: {} }
  writeFileSync(join(cwd, values.out ?? ''), JSON.stringify(config))
  return ''
}

async function attach(
  command: 'sign' | 'attest',
  args: readonly string[],
  { cwd, imageOf }: StandInPorts,
): Promise<string> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      key: { type: 'string' },
      'signing-config': { type: 'string' },
      annotations: { type: 'string', short: 'a', multiple: true },
      type: { type: 'string', default: 'custom' },
      predicate: { type: 'string' },
    },
  })
  if (values['signing-config'] === undefined) throw new Error('there is no transparency log here')
  const signer = signerOf(readFileSync(join(cwd, values.key ?? ''), 'utf8'))
  for (const reference of positionals) {
    const { oracle, repository, manifest } = await imageOf(reference)
    const content =
      command === 'sign'
        ? signature(manifest.digest, signer, { annotations: pairsOf(values.annotations ?? []) })
        : attestation(manifest.digest, typeNamed(values.type), predicateIn(values.predicate, cwd), signer)
    await oracle.push(content, repository)
  }
  return command === 'sign' ? 'Signing artifact...\n' : 'Using payload from: predicate\n'
}

function typeNamed(type: string): string {
  return predicateTypes[type] ?? type
}

function predicateIn(file: string | undefined, cwd: string): unknown {
  return JSON.parse(readFileSync(join(cwd, file ?? ''), 'utf8'))
}

function pairsOf(texts: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(texts.map((text) => [text.replace(/=.*$/s, ''), text.replace(/^[^=]*=/, '')]))
}

function signerOf(file: string): TestSigner {
  return signerWith(createPrivateKey(file.replaceAll(label, 'PRIVATE KEY')), 'p256')
}
