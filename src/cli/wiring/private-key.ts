import { toDrayError } from '../../lib/errors.ts'
import type { SigningKey } from '../../signing/signing-keys.ts'

type Variables = Readonly<Record<string, string | undefined>>

/**
 * Reads a private key from a PEM file.
 * @param passwordEnv the environment variable with its password
 * @throws `config` if it is missing, not such a key, or not opened by the password; `io`.
 */
export async function loadPrivateKey(
  file: string,
  passwordEnv: string | undefined,
  env: Variables,
): Promise<SigningKey> {
  const { loadSigningKey } = await import('../../signing/signing-keys.ts')
  return await loadSigningKey(file, passwordEnv === undefined ? undefined : env[passwordEnv])
}

/** Reads the key of `--key` with the password of `--password-env`. @throws as `loadPrivateKey`. */
export async function loadKeyOfFlags(
  file: string,
  passwordEnv: string | undefined,
  env: Variables,
): Promise<SigningKey> {
  try {
    return await loadPrivateKey(file, passwordEnv, env)
  } catch (error) {
    const known = toDrayError(error)
    const hasPassword = passwordEnv !== undefined && env[passwordEnv] !== undefined
    if (hasPassword || known.code !== 'config' || known.hint !== undefined) throw known
    const hint =
      passwordEnv === undefined
        ? 'If the key has a password, name the variable with it in --password-env.'
        : `Set the variable ${passwordEnv}, which --password-env names.`
    throw known.with({ hint })
  }
}
