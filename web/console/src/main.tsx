import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { StrictMode } from "react";
import { I18nProvider } from "react-aria-components";
import { createRoot } from "react-dom/client";
import { Failure } from "./api/client";
import { speak, useLanguage } from "./i18n";
import { consoleRouter } from "./router";
import { show } from "./theme/theme";
import "./theme/tokens.css";
import "./theme/base.css";

const client = new QueryClient({
  defaultOptions: {
    queries: {
      refetchOnWindowFocus: false,
      retry: (count, error) => !(error instanceof Failure && error.status > 0 && error.status < 500) && count < 2,
    },
  },
});
const router = consoleRouter(client);

// A page from before a new release may ask for a file that is gone: the new page has its own.
addEventListener("vite:preloadError", (event) => {
  event.preventDefault();
  location.reload();
});

function App() {
  const language = useLanguage();
  return (
    <I18nProvider locale={language === "ru" ? "ru-RU" : "en-US"}>
      <QueryClientProvider client={client}>
        <RouterProvider key={language} router={router} />
      </QueryClientProvider>
    </I18nProvider>
  );
}

show();
await speak();
const place = document.getElementById("root");
if (place) {
  createRoot(place).render(
    <StrictMode>
      <App />
    </StrictMode>,
  );
}
