import { findProblem } from '../../config/check/find-problem.ts'
import type { Config } from '../../config/config.ts'
import { parseImage } from '../../config/resolver/argument-grammar.ts'
import { resolveImage, type Within } from '../../config/resolver/resolve.ts'
import { readingAt } from '../../config/settings/version-reading.ts'
import { DrayError } from '../../lib/errors.ts'
import { isEvidenceTag } from '../../oci/evidence-tags.ts'
import type { RepositoryName } from '../../oci/reference.ts'
import { sortBySemver } from '../../semver/order.ts'
import type { Questions } from './ask.ts'

/** The dependencies of questions about images. */
export interface AskPorts {
  readonly config: Config
  readonly questions: Questions
  /** all tags of a repository; none if it does not exist */
  readonly tagsOf: (repository: RepositoryName) => Promise<readonly string[]>
}

type QuestionPorts = Pick<AskPorts, 'config' | 'questions'>

export async function askEnvironment(
  question: string,
  names: readonly string[],
  { questions }: Pick<AskPorts, 'questions'>,
): Promise<string> {
  return await questions.pick(question, choicesOf(names))
}

/** Asks for some of the images of `dray.yaml`; for any name if it lists none. */
export async function askImages(ports: QuestionPorts): Promise<readonly string[]> {
  const names = imagesIn(ports.config)
  return names.length > 0
    ? await ports.questions.pickSome('Images:', choicesOf(names))
    : [await askImage(ports)]
}

/** Asks for one of the images of `dray.yaml`; for any name if it lists none. */
export async function askImage({ config, questions }: QuestionPorts): Promise<string> {
  const names = imagesIn(config)
  return names.length > 0
    ? await questions.pick('Image:', choicesOf(names))
    : await questions.enter('Image:', (text) => findProblem(() => parseImage(text, text)))
}

/**
 * Asks for a tag of an image and returns the argument with it. Returns an argument with a tag or
 * digest, and one outside of all environments, without a question.
 * @throws `not-found` for an image without tags.
 */
export async function withTag(
  text: string,
  within: Within,
  { config, questions, tagsOf }: AskPorts,
): Promise<string> {
  const resolved = resolveImage(text, { accepts: ['image', 'layout'], within }, config)
  const { environment, image, form, tag, digest, repositories } = resolved
  if (form !== 'image' || tag !== undefined || digest !== undefined) return text
  const tags = await tagsOf(repositories[0])
  const names = sortBySemver(
    tags.filter((one) => !isEvidenceTag(one)),
    readingAt(config, repositories[0], environment),
  )
  if (names.length === 0) {
    throw new DrayError('not-found', `${image} has no tags in ${environment}`, {
      hint: 'Check the name of the image. To list the images, run "dray status".',
    })
  }
  return `${text}:${await questions.pick(`Tag of ${image}:`, choicesOf(names))}`
}

function imagesIn({ images }: Config): readonly string[] {
  return [...(images?.keys() ?? [])]
}

function choicesOf(names: readonly string[]): readonly { readonly value: string }[] {
  return names.map((value) => ({ value }))
}
