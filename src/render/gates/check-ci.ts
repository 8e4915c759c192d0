import type { CheckedImage } from '../../usecases/check/check.ts'
import type { ErrorInfo } from '../../lib/errors.ts'
import { formatCause, formatGithubAnnotation } from '../ci.ts'
import { inMarkdown } from '../text/markdown.ts'
import { formatCheckSum } from './check.ts'
import { gateAnnotations, gateSummary } from './gate-ci.ts'

/** Formats a check in Markdown for the file that `GITHUB_STEP_SUMMARY` names. */
export function checkSummary(images: readonly CheckedImage[]): string {
  const problems = images.flatMap((one) =>
    problemsOf(one).map((error) => `- ${inMarkdown(`${one.image}: ${formatCause(error)}`)}\n`),
  )
  const list = problems.length === 0 ? '' : `${problems.join('')}\n`
  return `### dray check\n\n${gateSummary(images)}${list}${formatCheckSum(images)}\n`
}

/** Workflow commands for failed gates, forbidden targets and images that could not be read. */
export function checkAnnotations(images: readonly CheckedImage[]): readonly string[] {
  return [...gateAnnotations(images), ...images.flatMap(problemsOf).map(formatGithubAnnotation)]
}

/** The problems of an image that no gate has. */
function problemsOf({ violations, error }: CheckedImage): readonly ErrorInfo[] {
  return [...violations, ...(error === undefined ? [] : [error])]
}
