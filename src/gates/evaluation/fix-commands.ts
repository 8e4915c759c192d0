import type { Digest } from '../../oci/digest.ts'
import { quoteWord } from '../../lib/quote-word.ts'
import { formatAt, layoutRegistry } from '../../oci/reference.ts'
import type { JudgedImage } from '../evidence.ts'
import { commandPrefix } from './judge-subjects.ts'
import type { EvaluationContext, KindResult } from '../kind-result.ts'

/** Returns a sentence with the commands that would fix a failed gate. */
export function runCommand(...commands: readonly (readonly string[])[]): string {
  return `${commandPrefix}${commands.map((words) => words.map(quoteWord).join(' ')).join(' && ')}`
}

/** Returns the command that attests a file about a manifest in the source repository. */
export function attestCommand(
  {
    type,
    file,
    signedBy,
  }: { readonly type: string; readonly file: string; readonly signedBy: readonly string[] },
  image: JudgedImage,
  digest: Digest,
  context: EvaluationContext,
): readonly string[] {
  const predicate = ['--type', type, '--predicate', file]
  return ['cosign', 'attest', ...keyOption(signedBy, context), ...predicate, sourceReference(image, digest)]
}

/** Returns the option of cosign for signers that have keys; none if one of them is keyless. */
export function keyOption(signedBy: readonly string[], { keySigners }: EvaluationContext): readonly string[] {
  return signedBy.every((name) => keySigners?.has(name) === true) ? ['--key', 'KEY'] : []
}

/** The reference of a manifest in the repository that evidence is read from. */
export function sourceReference({ source }: JudgedImage, digest: Digest): string {
  return formatAt(source, { digest })
}

/** Replaces commands that do not work with image layouts: cosign and scanners read registries. */
export function withUsableHint(found: KindResult, { source }: JudgedImage): KindResult {
  if (source.registry !== layoutRegistry || found.hint?.startsWith(commandPrefix) !== true) return found
  const hint =
    'Copy the image to a repository of a registry, attach what is missing there, and copy it from there.'
  return { ...found, hint }
}
