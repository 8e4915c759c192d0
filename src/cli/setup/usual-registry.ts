import { readAuthFile } from '../../registry/credentials/auth-file.ts'
import { dockerFile } from '../../registry/credentials/find-credentials.ts'
import { checkHost } from '../../config/check/check-registries.ts'

/** The address of `dray serve` and of the image `registry` in most instructions. */
const localRegistry = 'localhost:5000'

/** A registry in Docker's configuration; without one, a registry on this machine. */
export async function findUsualRegistry(
  env: Readonly<Record<string, string | undefined>>,
  home: string,
): Promise<string> {
  // A file that cannot be read is no reason to stop: the person sees the answer and can change it.
  const file = await readAuthFile(dockerFile(env, home)).catch(() => undefined)
  const keys = [...(file?.listed ?? []), ...(file?.auths.keys() ?? []), ...(file?.credHelpers.keys() ?? [])]
  return keys.find((key) => checkHost(key) === undefined) ?? localRegistry
}
