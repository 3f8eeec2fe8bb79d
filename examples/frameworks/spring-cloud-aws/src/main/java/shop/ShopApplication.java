package shop;

import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;

@SpringBootApplication
public class ShopApplication {
    public static void main(String[] args) {
        try (var shop = SpringApplication.run(ShopApplication.class, args)) {
            shop.getBean(Orders.class).place(3);
        }
    }
}
