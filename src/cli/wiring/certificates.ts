import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Config } from '../../config/config.ts'
import { DrayError } from '../../lib/errors.ts'
import { ioError } from '../../lib/files/io-error.ts'
import { readFileBounded } from '../../lib/files/read.ts'
import { normalRegistry } from '../../oci/registry-host.ts'
import { spellingsOf } from '../../registry/credentials/registry-keys.ts'
import type {
  ClientCertificate,
  RegistrySettings,
  RegistrySettingsMap,
} from '../../registry/http/transport/origins.ts'
import type { Certificates } from '../../registry/http/transport/certificates.ts'

/** The largest file of certificates: four times those of a whole system. */
const maxFileSize = 1024 * 1024

/**
 * The settings of registries with their certificates. @throws `config` if a file cannot be read;
 * the error contains no part of a key.
 */
export async function loadRegistrySettings(
  config: Config,
  env: NodeJS.ProcessEnv,
): Promise<RegistrySettingsMap> {
  const entries = [...config.registries].map(async ([registry, { ca, clientCertificate: own, ...rest }]) => {
    const hint = (key: string): string => `Correct registries.${registry}.${key} in dray.yaml.`
    const settings: RegistrySettings = {
      ...rest,
      ...(ca !== undefined && { ca: await readPem(ca, hint('ca')) }),
      ...(own !== undefined && {
        clientCertificate: await clientCertificate(
          own.cert,
          own.key,
          own.passwordEnv === undefined ? undefined : env[own.passwordEnv],
          hint('clientCertificate'),
        ),
      }),
    }
    return [registry, settings] as const
  })
  return new Map(await Promise.all(entries))
}

/** The folders of docker and podman for certificates (containers-certs.d(5)). */
export function findCertificateFolders(home: string): readonly string[] {
  return [join(home, '.config', 'containers', 'certs.d'), '/etc/containers/certs.d', '/etc/docker/certs.d']
}

/**
 * Reads the folder `HOST[:PORT]` of a registry: `*.crt` are authorities, `*.cert` and `*.key` of
 * one name a client certificate. Another spelling of the registry, such as with port 443, counts
 * too; the normal spelling comes first. @throws `config` for a certificate without its key, or a
 * file that cannot be read.
 */
export async function certificatesIn(folders: readonly string[], registry: string): Promise<Certificates> {
  // A redirect can name the host `..`, which would be another folder.
  if (registry.startsWith('.')) return {}
  for (const folder of folders) {
    for (const name of await spellingsIn(folder, registry)) {
      const path = join(folder, name)
      const names = await listNames(path)
      if (names !== undefined) return await readFolder(path, names)
    }
  }
  return {}
}

/** The possible names of the folder. The parent need not be readable. */
async function spellingsIn(folder: string, registry: string): Promise<readonly string[]> {
  const usual = spellingsOf(registry, '443')
  const others = ((await listNames(folder)) ?? []).filter((name) => {
    const normal = normalRegistry(name)
    return normal !== undefined && usual.includes(normal) && !usual.includes(name)
  })
  return [...usual, ...others]
}

async function listNames(path: string): Promise<readonly string[] | undefined> {
  try {
    return (await readdir(path)).sort()
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
    // docker's folder may be readable only for root.
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'EACCES') return undefined
    throw ioError(cause, `the certificates in ${path} cannot be read`, path)
  }
}

async function readFolder(path: string, names: readonly string[]): Promise<Certificates> {
  const hint = `Correct it in ${path}.`
  const authorities = names.filter((name) => name.endsWith('.crt'))
  const ca = await Promise.all(authorities.map((name) => readPem(join(path, name), hint)))
  const cert = names.find((name) => name.endsWith('.cert'))
  const key = names.find((name) => name.endsWith('.key'))
  const keyFile = cert?.replace(/\.cert$/, '.key') ?? key
  if (keyFile !== undefined && (cert === undefined || !names.includes(keyFile))) {
    throw new DrayError('config', `a certificate in ${path} has no key, or a key has no certificate`, {
      subject: path,
      why: 'NAME.cert needs NAME.key; the files of authorities are NAME.crt',
      hint,
    })
  }
  return {
    ...(ca.length > 0 && { ca: ca.join('\n') }),
    ...(cert !== undefined &&
      keyFile !== undefined && {
        clientCertificate: await clientCertificate(join(path, cert), join(path, keyFile), undefined, hint),
      }),
  }
}

async function clientCertificate(
  cert: string,
  key: string,
  passphrase: string | undefined,
  hint: string,
): Promise<ClientCertificate> {
  const pair = {
    cert: await readPem(cert, hint),
    key: await readPem(key, hint),
    ...(passphrase !== undefined && { passphrase }),
  }
  const { createSecureContext } = await import('node:tls')
  try {
    createSecureContext(pair)
  } catch {
    // The message of OpenSSL is about the key, so it is not shown.
    throw new DrayError('config', `the certificate ${cert} and the key ${key} cannot be used`, {
      subject: cert,
      why: 'they do not match, are not PEM, or the key needs a password',
      hint,
    })
  }
  return pair
}

async function readPem(file: string, hint: string): Promise<string> {
  let bytes: Uint8Array | undefined
  try {
    bytes = await readFileBounded(file, maxFileSize)
  } catch (cause) {
    throw new DrayError('config', `${file} cannot be read`, { subject: file, hint, cause })
  }
  if (bytes === undefined)
    throw new DrayError('config', `the certificate or key ${file} does not exist`, { subject: file, hint })
  return Buffer.from(bytes).toString('utf8')
}
