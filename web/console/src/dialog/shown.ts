import { createContext } from "react";
import type { Message } from "../api/types";

/** Shows why the assistant said something. */
export const ShowSources = createContext<(message: Message) => void>(() => undefined);
