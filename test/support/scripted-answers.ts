import { expect } from 'vitest'
import type { Questions } from '../../src/cli/terminal/ask.ts'

/** Answers questions in order. `asked` has each question with its choices. */
export function scriptedAnswers(...answers: readonly (string | readonly string[])[]) {
  const left = [...answers]
  const asked: string[] = []
  const answer = (question: string, choices: readonly { readonly value: string }[] = []) => {
    asked.push([question, ...choices.map(({ value }) => value)].join(' '))
    const given = left.shift()
    if (given === undefined) throw new Error(`no answer to ${question}`)
    return given
  }
  const questions: Questions = {
    pick: async (question, choices) => answer(question, choices) as string,
    pickSome: async (question, choices) => answer(question, choices) as readonly string[],
    enter: async (question, complaint, initial) => {
      const given = answer(initial === undefined ? question : `${question} [${initial}]`) as string
      const text = given === '' ? (initial ?? '') : given
      expect(complaint(text)).toBeUndefined()
      return text
    },
    enterSecret: async (question) => answer(question) as string,
  }
  return { questions, asked }
}
