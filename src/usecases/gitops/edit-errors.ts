import type { GitOpsRule } from '../../config/gitops/gitops.ts'
import { DrayError } from '../../lib/errors.ts'
import type { WantedImage } from './request.ts'

/** The most places that an error lists. */
const maxListed = 5

export function noFile({ name }: GitOpsRule, path: string): DrayError {
  return new DrayError('not-found', `no deployment file matches ${path}`, {
    subject: path,
    why: `${name} in dray.yaml names it, relative to the folder of dray.yaml`,
    hint: 'Correct the path in dray.yaml, or add the file. Nothing was changed.',
  })
}

/** @param skipped why positions with the name of the image are not edited */
export function noEntry(
  { image, environment }: WantedImage,
  files: number,
  skipped: readonly string[],
): DrayError {
  const read = files === 1 ? 'the one file' : `the ${files} files`
  return new DrayError('not-found', `no deployment file of ${environment} names ${image}`, {
    subject: image,
    why:
      skipped.length === 0
        ? `none of its repositories is in ${read} of environments.${environment}.gitops`
        : listed(skipped).join('; '),
    hint: `Correct environments.${environment}.gitops in dray.yaml: \`as\` has other names of the repositories, and \`at\` the position of an image.`,
  })
}

/** @param places each with its version */
export function severalLines({ image, tag }: WantedImage, places: readonly string[], why: string): DrayError {
  return new DrayError(
    'refused',
    `dray cannot decide which positions of ${image} get ${tag ?? 'the image'}`,
    {
      subject: image,
      details: listed(places),
      why,
      hint: 'Name the positions to edit with `at` under `gitops` in dray.yaml.',
    },
  )
}

export function notWritable({ image, tag }: WantedImage, by: string, write: string): DrayError {
  const isUntagged = write === 'tag' && tag === undefined
  return new DrayError('refused', `cannot write ${image} at ${by}`, {
    subject: by,
    why: isUntagged
      ? '`write: tag` needs a tag, and the image has none'
      : `it has no field that \`write: ${write}\` changes`,
    hint: isUntagged
      ? 'Pass the image with its tag, or set `write: digest` in dray.yaml.'
      : 'Add a field for the tag or the digest to the file, or correct `write` in dray.yaml.',
  })
}

/** @param name of the image at the position */
export function otherImage({ image }: WantedImage, by: string, name: string): DrayError {
  return new DrayError('refused', `${by} is not the position of ${image}`, {
    subject: by,
    why: `it has the image ${name}`,
    hint: 'Correct `at` in dray.yaml. Select an item of a list by its name: spec.containers[name=api].image',
  })
}

function listed(lines: readonly string[]): readonly string[] {
  if (lines.length <= maxListed) return lines
  return [...lines.slice(0, maxListed), `and ${lines.length - maxListed} more`]
}
